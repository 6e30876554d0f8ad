import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Everything a command may touch of the process, so that a test can be the process. */
export type Terminal = Readonly<{
  env: Readonly<Record<string, string | undefined>>;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  /** Colours, and text that overwrites itself. */
  isInteractive: boolean;
  /** Aborted by Ctrl-C. */
  interrupted: AbortSignal;
}>;

/** What a command says. Results go to standard output, everything about them to standard error. */
export class Printer {
  readonly #terminal: Terminal;
  readonly #colours: boolean;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#colours = terminal.isInteractive && !terminal.env['NO_COLOR'];
  }

  line(text = ''): void {
    this.#terminal.stdout.write(`${text}\n`);
  }

  text(text: string): void {
    this.#terminal.stdout.write(text);
  }

  json(value: unknown): void {
    this.line(JSON.stringify(value, null, 2));
  }

  note(text: string): void {
    this.#terminal.stderr.write(`${text}\n`);
  }

  style(style: Style, text: string): string {
    return this.#colours ? styleText(style, text, { validateStream: false }) : text;
  }

  title(text: string): void {
    this.line(this.style('bold', text));
  }
}
