import { isValidElement } from 'react';
import type { ComponentProps, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './copy-button.tsx';

export function CodeBlock({ children, ...rest }: ComponentProps<'pre'>) {
  const { t } = useTranslation();
  const { text, language } = readCode(children);
  return (
    <div className="code-block">
      <div className="code-head">
        <span>{language}</span>
        <CopyButton text={text} label={t('chat.copyCode')} />
      </div>
      <pre {...rest} tabIndex={0}>
        {children}
      </pre>
    </div>
  );
}

/** react-markdown hands a fenced block over as `<pre><code class="language-x">text</code></pre>`. */
function readCode(children: ReactNode): { text: string; language: string } {
  if (!isValidElement<{ className?: string; children?: ReactNode }>(children))
    return { text: '', language: '' };
  const { className = '', children: inner } = children.props;
  const text = typeof inner === 'string' ? inner.replace(/\n$/, '') : '';
  return { text, language: /language-(\S+)/.exec(className)?.[1] ?? '' };
}
