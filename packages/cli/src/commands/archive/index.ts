import { Command } from 'commander';
import type { Printer, Terminal } from '../../terminal.ts';
import { restoreCommand } from './restore.ts';
import { verifyCommand } from './verify.ts';

export function archiveCommand(terminal: Terminal, print: Printer): Command {
  return new Command('archive')
    .description('The files every conversation is kept in; for administrators.')
    .addCommand(verifyCommand(terminal, print))
    .addCommand(restoreCommand(terminal, print));
}
