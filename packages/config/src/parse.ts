import JSON5 from 'json5';

/** Text that is not JSON5, with the place of the fault. */
export class ConfigSyntaxError extends Error {
  override readonly name = 'ConfigSyntaxError';
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number, options?: ErrorOptions) {
    super(message, options);
    this.line = line;
    this.column = column;
  }
}

function placeOf(fault: unknown, text: string): { line: number; column: number } {
  const { lineNumber, columnNumber } = fault as { lineNumber?: number; columnNumber?: number };
  if (lineNumber !== undefined && columnNumber !== undefined)
    return { line: lineNumber, column: columnNumber };
  const lines = text.split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

/** Message as upstream has it (`SyntaxError: JSON5: …`), followed by file:line:column when the file is known. */
export function parseJson5(text: string, file?: string): unknown {
  try {
    return JSON5.parse<unknown>(text.replace(/^\uFEFF/, ''));
  } catch (fault) {
    const { line, column } = placeOf(fault, text);
    const where = file === undefined ? '' : ` (${file}:${line}:${column})`;
    throw new ConfigSyntaxError(`SyntaxError: ${(fault as Error).message}${where}`, line, column, {
      cause: fault,
    });
  }
}
