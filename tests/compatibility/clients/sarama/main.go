// sarama as a client of the matrix (tests/compatibility/README.md).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch args[0] {
	case "version":
		return version()
	case "create":
		return create(args[1], args[2], number(args[3]), number(args[4]))
	case "produce":
		return produce(args[1], args[2], args[3], number(args[4]), number(args[5]))
	case "transact":
		return transact(args[1], args[2], args[3])
	case "consume":
		return consume(args[1], args[2], args[3])
	case "delete":
		return remove(args[1], args[2])
	}
	return fmt.Errorf("unknown verb %s", args[0])
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func version() error {
	info, _ := debug.ReadBuildInfo()
	for _, each := range info.Deps {
		if each.Path == "github.com/IBM/sarama" {
			fmt.Println(strings.TrimPrefix(each.Version, "v"))
		}
	}
	return nil
}

func settings() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	return config
}

func create(bootstrap, topic string, partitions, replicationFactor int) error {
	admin, err := sarama.NewClusterAdmin(strings.Split(bootstrap, ","), settings())
	if err != nil {
		return err
	}
	defer admin.Close()
	detail := sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: int16(replicationFactor)}
	return admin.CreateTopic(topic, &detail, false)
}

func remove(bootstrap, topic string) error {
	admin, err := sarama.NewClusterAdmin(strings.Split(bootstrap, ","), settings())
	if err != nil {
		return err
	}
	defer admin.Close()
	return admin.DeleteTopic(topic)
}

func producerSettings() *sarama.Config {
	config := settings()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Return.Successes = true
	config.Net.MaxOpenRequests = 1
	return config
}

func produce(bootstrap, topic, codec string, first, count int) error {
	config := producerSettings()
	if err := config.Producer.Compression.UnmarshalText([]byte(codec)); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer(strings.Split(bootstrap, ","), config)
	if err != nil {
		return err
	}
	defer producer.Close()
	padding := strings.Repeat("0", 200)
	messages := make([]*sarama.ProducerMessage, 0, count)
	for n := first; n < first+count; n++ {
		messages = append(messages, &sarama.ProducerMessage{
			Topic:   topic,
			Key:     sarama.StringEncoder(fmt.Sprintf("key-%d", n)),
			Value:   sarama.StringEncoder(fmt.Sprintf("value-%d-%s", n, padding)),
			Headers: []sarama.RecordHeader{{Key: []byte("codec"), Value: []byte(codec)}},
		})
	}
	return producer.SendMessages(messages)
}

func transactional(bootstrap, id string) (sarama.SyncProducer, error) {
	config := producerSettings()
	config.Producer.Transaction.ID = id
	return sarama.NewSyncProducer(strings.Split(bootstrap, ","), config)
}

func write(producer sarama.SyncProducer, topic string, values ...string) error {
	if err := producer.BeginTxn(); err != nil {
		return err
	}
	for _, value := range values {
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)}); err != nil {
			return err
		}
	}
	return nil
}

func transact(bootstrap, topic, id string) error {
	older, err := transactional(bootstrap, id)
	if err != nil {
		return err
	}
	for t := 0; t < 10; t++ {
		values := []string{}
		for m := 0; m < 10; m++ {
			values = append(values, fmt.Sprintf("t%d-%d", t, m))
		}
		if err := write(older, topic, values...); err != nil {
			return err
		}
		if t%3 == 1 {
			if err := older.AbortTxn(); err != nil {
				return err
			}
			continue
		}
		if err := older.CommitTxn(); err != nil {
			return err
		}
		for _, value := range values {
			fmt.Println("committed " + value)
		}
	}
	newer, err := transactional(bootstrap, id)
	if err != nil {
		return err
	}
	if err := write(newer, topic, "newer"); err != nil {
		return err
	}
	if err := newer.CommitTxn(); err != nil {
		return err
	}
	fmt.Println("committed newer")
	err = write(older, topic, "older")
	if err == nil {
		err = older.CommitTxn()
	}
	if errors.Is(err, sarama.ErrInvalidProducerEpoch) || errors.Is(err, sarama.ErrProducerFenced) || older.TxnStatus()&sarama.ProducerTxnFlagFatalError != 0 {
		fmt.Println("fenced")
	} else {
		fmt.Println("not fenced:", err)
	}
	return newer.Close()
}

type member struct {
	output sync.Mutex
}

func (m *member) say(words ...any) {
	m.output.Lock()
	defer m.output.Unlock()
	fmt.Println(words...)
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	partitions := []int{}
	for _, held := range session.Claims() {
		for _, partition := range held {
			partitions = append(partitions, int(partition))
		}
	}
	sort.Ints(partitions)
	m.say("assigned", strings.Trim(fmt.Sprint(partitions), "[]"))
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.say("assigned")
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			headers := []string{}
			for _, each := range message.Headers {
				headers = append(headers, string(each.Key)+"="+string(each.Value))
			}
			m.say("record", message.Partition, message.Offset, string(message.Key), string(message.Value), strings.Join(headers, ","))
			session.MarkMessage(message, "")
			if len(claim.Messages()) == 0 {
				session.Commit()
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func consume(bootstrap, topic, group string) error {
	config := settings()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	consumers, err := sarama.NewConsumerGroup(strings.Split(bootstrap, ","), group, config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	for ctx.Err() == nil {
		if err := consumers.Consume(ctx, []string{topic}, &member{}); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return consumers.Close()
}
