// franz-go as a client of the matrix (tests/compatibility/README.md).
package main

import (
	"bufio"
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

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
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
		if each.Path == "github.com/twmb/franz-go" {
			fmt.Println(strings.TrimPrefix(each.Version, "v"))
		}
	}
	return nil
}

func seeds(bootstrap string) kgo.Opt { return kgo.SeedBrokers(strings.Split(bootstrap, ",")...) }

func create(bootstrap, topic string, partitions, replicationFactor int) error {
	client, err := kgo.NewClient(seeds(bootstrap))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = kadm.NewClient(client).CreateTopic(context.Background(), int32(partitions), int16(replicationFactor), nil, topic)
	return err
}

func remove(bootstrap, topic string) error {
	client, err := kgo.NewClient(seeds(bootstrap))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = kadm.NewClient(client).DeleteTopic(context.Background(), topic)
	return err
}

func produce(bootstrap, topic, codec string, first, count int) error {
	codecs := map[string]kgo.CompressionCodec{
		"none":   kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}
	// Idempotent unless it is switched off.
	client, err := kgo.NewClient(
		seeds(bootstrap),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(codecs[codec]),
		kgo.ProducerLinger(5*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	padding := strings.Repeat("0", 200)
	records := make([]*kgo.Record, 0, count)
	for n := first; n < first+count; n++ {
		records = append(records, &kgo.Record{
			Topic:   topic,
			Key:     []byte(fmt.Sprintf("key-%d", n)),
			Value:   []byte(fmt.Sprintf("value-%d-%s", n, padding)),
			Headers: []kgo.RecordHeader{{Key: "codec", Value: []byte(codec)}},
		})
	}
	return client.ProduceSync(context.Background(), records...).FirstErr()
}

func write(client *kgo.Client, topic string, values []string) error {
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	records := make([]*kgo.Record, 0, len(values))
	for _, value := range values {
		records = append(records, &kgo.Record{Topic: topic, Key: []byte(value), Value: []byte(value)})
	}
	return client.ProduceSync(context.Background(), records...).FirstErr()
}

func transact(bootstrap, topic, id string) error {
	ctx := context.Background()
	start := func() (*kgo.Client, error) {
		return kgo.NewClient(
			seeds(bootstrap),
			kgo.TransactionalID(id),
			kgo.ProducerLinger(5*time.Millisecond),
			// It would take snappy, which the reader that checks (kafkajs) does not have.
			kgo.ProducerBatchCompression(kgo.NoCompression()),
		)
	}
	first, err := start()
	if err != nil {
		return err
	}
	defer first.Close()
	for transaction := 0; transaction < 10; transaction++ {
		values := []string{}
		for n := 0; n < 10; n++ {
			values = append(values, fmt.Sprintf("t%d-%d", transaction, n))
		}
		if err := write(first, topic, values); err != nil {
			return err
		}
		if transaction%3 == 1 {
			if err := first.EndTransaction(ctx, kgo.TryAbort); err != nil {
				return err
			}
			continue
		}
		if err := first.EndTransaction(ctx, kgo.TryCommit); err != nil {
			return err
		}
		for _, value := range values {
			fmt.Println("committed", value)
		}
	}
	second, err := start()
	if err != nil {
		return err
	}
	defer second.Close()
	// The producer id is asked for with the first record: which fences the other one.
	if err := write(second, topic, []string{"second"}); err != nil {
		return err
	}
	err = write(first, topic, []string{"zombie"})
	if err == nil {
		err = first.EndTransaction(ctx, kgo.TryCommit)
	}
	switch {
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch), errors.Is(err, kerr.InvalidProducerIDMapping):
		fmt.Println("fenced")
	default:
		fmt.Println("refused", err)
	}
	if err := second.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return err
	}
	fmt.Println("committed second")
	return nil
}

// assignment is what this member holds, shown as one line after each change.
type assignment struct {
	mutex      sync.Mutex
	partitions map[int32]bool
}

func (a *assignment) change(topics map[string][]int32, holds bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for _, partitions := range topics {
		for _, partition := range partitions {
			if holds {
				a.partitions[partition] = true
			} else {
				delete(a.partitions, partition)
			}
		}
	}
	all := make([]int, 0, len(a.partitions))
	for partition := range a.partitions {
		all = append(all, int(partition))
	}
	sort.Ints(all)
	line := "assigned"
	for _, partition := range all {
		line += " " + strconv.Itoa(partition)
	}
	fmt.Println(line)
}

func consume(bootstrap, topic, group string) error {
	ended, end := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	held := &assignment{partitions: map[int32]bool{}}
	gained := func(_ context.Context, _ *kgo.Client, topics map[string][]int32) { held.change(topics, true) }
	gone := func(_ context.Context, _ *kgo.Client, topics map[string][]int32) { held.change(topics, false) }
	client, err := kgo.NewClient(
		seeds(bootstrap),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(10*time.Second),
		kgo.HeartbeatInterval(300*time.Millisecond),
		kgo.OnPartitionsAssigned(gained),
		kgo.OnPartitionsRevoked(gone),
		kgo.OnPartitionsLost(gone),
	)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for {
		fetches := client.PollFetches(ended)
		if ended.Err() != nil {
			break
		}
		if errors := fetches.Errors(); len(errors) > 0 {
			return fmt.Errorf("partition %d: %w", errors[0].Partition, errors[0].Err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			headers := ""
			for _, header := range record.Headers {
				headers += header.Key + "=" + string(header.Value)
			}
			fmt.Fprintln(out, "record", record.Partition, record.Offset, string(record.Key), string(record.Value), headers)
		})
		if err := out.Flush(); err != nil {
			return err
		}
		if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
			return err
		}
	}
	// Leaves the group.
	client.Close()
	return nil
}
