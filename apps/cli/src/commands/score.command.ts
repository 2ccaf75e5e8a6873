import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ScoreRequest } from './score.js';

function batchSize(text: string): number {
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1)
    throw new InvalidArgumentError('give a whole number of samples, 1 or more');
  return size;
}

/** `lacuna score`: how well a release's own numbers tell retained from forgotten samples. Needs no database. */
export function addScoreCommand(program: Command): void {
  program
    .command('score')
    .requiredOption('--target <file>', 'signals of the release under test')
    .requiredOption('--out <file...>', 'signals of models never trained on the samples, one file each')
    .requiredOption('--in <file>', 'signals of the model before unlearning')
    .requiredOption('--label <file>', '1 = retained in training, 0 = asked to be forgotten')
    .addOption(
      new Option('--kind <kind>', 'average token loss in nats, or true-class probability')
        .choices(['loss', 'probability'])
        .makeOptionMandatory(),
    )
    .option('--batch <samples>', 'consecutive samples that share a spread under iam_batch', batchSize, 64)
    .option('--json', 'print one JSON object')
    .option('--plots <folder>', 'write ROC curves and histograms there as SVG')
    .description('score a release from files: AUC and TPR of IAM and of the simpler attacks')
    .addHelpText(
      'after',
      '\nEvery file has one number a line, with or without a header line, or is named FILE#column for a column of\n' +
        'a CSV file with a header or of NDJSON; gzip or not. The same line is the same sample in every file. nan, null\n' +
        'or an empty field marks a sample without a signal: it is left out and counted.',
    )
    .action(async (flags: ScoreRequest) => {
      const { runScore } = await import('./score.js');
      await runScore(flags);
    });
}
