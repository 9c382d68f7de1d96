// CodeMirror as the app uses it. In a file of its own so that it is loaded only when an editor is shown. It lives in a
// shadow root: there its styles are adopted sheets, which the strict content security policy allows.

import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, linter, lintKeymap } from '@codemirror/lint';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';

export type Language = 'json' | 'yaml' | 'text';
/** A problem at a range of the text. */
export type Problem = { readonly from: number; readonly to: number; readonly message: string };

export type EditorOptions = {
  readonly text: string;
  readonly language: Language;
  readonly label: string;
  readonly hint: string;
  readonly numbered: boolean;
  readonly readOnly: boolean;
  readonly check: ((text: string) => readonly Problem[]) | null;
  readonly onchange: (text: string) => void;
};

export type Editor = { setText(text: string): void; focus(): void; destroy(): void };

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--epoch-0)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--epoch-2)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--epoch-1)' },
  { tag: [tags.comment, tags.meta], color: 'var(--text-3)' },
  { tag: [tags.keyword, tags.typeName], color: 'var(--epoch-3)' },
]);

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--text-1)', backgroundColor: 'transparent', fontSize: '12px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '18px', overflow: 'auto' },
  '.cm-content': { padding: '6px 0', caretColor: 'var(--text-1)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--text-3)', border: '0' },
  '.cm-cursor': { borderLeftColor: 'var(--text-1)' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
  '.cm-placeholder': { color: 'var(--text-3)' },
  // As specific as CodeMirror's own, whose green leaves too little contrast.
  '&.cm-focused .cm-matchingBracket, &.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'var(--surface-3)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface-3)',
    border: '1px solid var(--line-strong)',
    borderRadius: '4px',
  },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--lost)' },
});

export function createEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const check = options.check;
  const extensions: Extension[] = [
    history(),
    indentOnInput(),
    bracketMatching(),
    // Tab leaves the editor: the page is worked by keyboard.
    keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
    syntaxHighlighting(colours),
    look,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': options.label }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) options.onchange(update.state.doc.toString());
    }),
    EditorState.readOnly.of(options.readOnly),
  ];
  if (options.numbered) extensions.push(lineNumbers());
  if (options.hint !== '') extensions.push(placeholder(options.hint));
  if (options.language === 'json') extensions.push(json());
  if (options.language === 'yaml') extensions.push(yaml());
  if (check)
    extensions.push(
      linter(({ state }): Diagnostic[] =>
        check(state.doc.toString()).map((problem) => ({
          from: Math.min(problem.from, state.doc.length),
          to: Math.min(problem.to, state.doc.length),
          severity: 'error',
          message: problem.message,
        })),
      ),
    );
  const view = new EditorView({
    state: EditorState.create({ doc: options.text, extensions }),
    parent: root,
    root,
  });
  return {
    setText(text) {
      if (text !== view.state.doc.toString())
        view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
