import { memo } from 'react';
import type { ComponentProps } from 'react';
import ReactMarkdown from 'react-markdown';
import type { Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { CodeBlock } from './code-block.tsx';

const PLUGINS = [remarkGfm];

/** Images in an answer would let a model (or what it read) call home from the reader's browser. */
const NOT_RENDERED = ['img'];

const COMPONENTS: Components = {
  a: ({ node: _node, ...rest }) => <a {...rest} target="_blank" rel="noopener noreferrer nofollow" />,
  pre: ({ node: _node, ...rest }) => <CodeBlock {...rest} />,
  table: ({ node: _node, ...rest }) => <ScrollingTable {...rest} />,
};

/** Raw HTML stays text: react-markdown drops it unless a plugin is asked to keep it. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS} disallowedElements={NOT_RENDERED}>
        {text}
      </ReactMarkdown>
    </div>
  );
});

/** Wide tables scroll by themselves, and by keyboard, instead of pushing the page apart. */
function ScrollingTable(props: ComponentProps<'table'>) {
  return (
    <div className="table-frame" tabIndex={0}>
      <table {...props} />
    </div>
  );
}
