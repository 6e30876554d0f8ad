import { Command } from 'commander';
import type { Printer, Terminal } from '../../terminal.ts';
import { modelListCommand } from './list.ts';
import { modelStatusCommand } from './status.ts';
import { modelUsageCommand } from './usage.ts';

export function modelsCommand(terminal: Terminal, print: Printer): Command {
  const models = new Command('models').description('Models the gateway offers, their keys and their use.');
  models.addCommand(modelListCommand(terminal, print));
  models.addCommand(modelStatusCommand(terminal, print));
  models.addCommand(modelUsageCommand(terminal, print));
  return models;
}
