import type { AskImage, AskMessage } from './ask.ts';
import { splitTokens } from './tokens.ts';

const QUOTE_CHARACTERS = 160;

function isChinese(text: string): boolean {
  return /\p{Script=Han}/u.test(text);
}

function quote(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > QUOTE_CHARACTERS ? `${line.slice(0, QUOTE_CHARACTERS - 1)}…` : line;
}

function describeImages(images: readonly AskImage[], chinese: boolean): string {
  if (images.length === 0) return '';
  const list = images.map((image) => `${image.mediaType}, ${image.sizeBytes} B`).join('; ');
  if (chinese) return `我收到了 ${images.length} 张图片（${list}）。`;
  return ` I received ${images.length === 1 ? '1 image' : `${images.length} images`} (${list}).`;
}

/** The everyday answer: honest about what is speaking, and the same for the same question. */
export function plainAnswer(said: AskMessage, text: string, messageNumber: number): string {
  if (isChinese(text)) {
    const about = describeImages(said.images, true);
    return (
      `演示模型：你说的是“${quote(text)}”。${about}这是本次对话的第 ${messageNumber} 条消息。` +
      '我在本机运行，不需要密钥，只能复述和排版；配置模型供应商的密钥后，就会由真正的模型来回答。'
    );
  }
  return (
    `Demo model: you said “${quote(text)}”.${describeImages(said.images, false)} ` +
    `This is message ${messageNumber} of our conversation. ` +
    'I run on this machine without a key and can only repeat and format; ' +
    'with a provider key configured, a real model answers here.'
  );
}

export function markdownAnswer(text: string): string {
  const chinese = isChinese(text);
  const words = splitTokens(text).length;
  const heading = chinese ? '演示模型：Markdown 示例' : 'Demo model: a Markdown sample';
  const items = chinese
    ? ['**粗体**、*斜体*和 `代码`', '[链接](https://example.com/)', '嵌套列表']
    : ['**bold**, *italic* and `code`', '[a link](https://example.com/)', 'a nested list'];
  const [column, value] = chinese ? ['项目', '数值'] : ['item', 'value'];
  return [
    `## ${heading}`,
    items.map((item, at) => `${at + 1}. ${item}`).join('\n') + '\n   - a\n   - b',
    '```ts\nexport function greet(name: string): string {\n  return `Hello, ${name}!`;\n}\n```',
    `| ${column} | ${value} |\n| --- | ---: |\n| tokens | ${words} |\n| characters | ${text.length} |`,
    chinese ? '> 以上内容由演示模型生成。' : '> Written by the demo model.',
  ].join('\n\n');
}

export function summaryAnswer(messages: readonly AskMessage[], request: string): string {
  const said = messages.filter((message) => message.role === 'user' && message.lastText !== request);
  const first = quote(said[0]?.text ?? request);
  const latest = quote(said.at(-1)?.text ?? request);
  if (isChinese(first)) {
    return `演示模型的摘要：共 ${messages.length} 条消息。最初的话题：“${first}”。最近的话题：“${latest}”。`;
  }
  return `Demo summary of ${messages.length} messages. First topic: “${first}”. Latest topic: “${latest}”.`;
}

export function historyAnswer(messages: readonly AskMessage[]): string {
  const lines = messages.map((message, at) => `${at + 1}. ${message.role}: ${quote(message.text)}`);
  return `Demo model: I was sent ${messages.length} messages.\n\n${lines.join('\n')}`;
}

export function toolResultAnswer(results: readonly string[]): string {
  return `Demo model: the tool answered “${quote(results.join(' '))}”.`;
}

export function thoughtAbout(text: string): string {
  return isChinese(text)
    ? '用户说了一句话。我是演示模型，所以我会复述它。'
    : 'The user said something. I am the demo model, so I shall repeat it.';
}
