import { settingsTable } from '@app/config';

export function runSettings(): void {
  process.stdout.write(`${settingsTable()}\n`);
}
