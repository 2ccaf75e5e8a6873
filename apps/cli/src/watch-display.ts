/** A verification in progress as a bar on a terminal, and as plain lines elsewhere. Proven by watch-display.spec.ts. */
import { SingleBar } from 'cli-progress';

export interface WatchedVerification {
  readonly result: string | null;
  readonly progress: {
    readonly status: string;
    readonly blocksDone: number;
    readonly blocksTotal: number;
    /** Decimal. */
    readonly samplesDone: string;
    readonly samplesTotal: string;
    readonly samplesPerSecond: number | null;
    readonly secondsLeft: number | null;
    readonly forwardPasses: string;
    readonly signalsReused: string;
    readonly errorCode: string | null;
    readonly errorMessage: string | null;
  };
}

export interface WatchDisplay {
  show(verification: WatchedVerification): void;
  end(): void;
}

type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

export function openDisplay(output: Terminal & NodeJS.WritableStream): WatchDisplay {
  return output.isTTY ? new BarDisplay(output) : new LineDisplay(output);
}

/** One line: status, samples, speed, time left. */
export function progressText({ result, progress }: WatchedVerification): string {
  const { status, blocksDone, blocksTotal, samplesDone, samplesTotal } = progress;
  return [
    result === null ? status : `${status} ${result}`,
    `blocks ${blocksDone}/${blocksTotal}`,
    `samples ${samplesDone}/${samplesTotal}`,
    `forward passes ${progress.forwardPasses}`,
    `signals reused ${progress.signalsReused}`,
    rateText(progress),
  ].join('  ');
}

function rateText({ samplesPerSecond, secondsLeft }: WatchedVerification['progress']): string {
  const rate = samplesPerSecond === null ? '' : `${Math.round(samplesPerSecond)}/s`;
  return secondsLeft === null || secondsLeft === 0 ? rate : `${rate}  ${Math.ceil(secondsLeft)} s left`;
}

/** A line for every change. */
class LineDisplay implements WatchDisplay {
  private last = '';

  constructor(private readonly output: Pick<Terminal, 'write'>) {}

  show(verification: WatchedVerification): void {
    const { status, blocksDone } = verification.progress;
    const state = `${status} ${blocksDone}`;
    if (state === this.last) return;
    this.last = state;
    this.output.write(`${progressText(verification)}\n`);
  }

  end(): void {
    this.last = '';
  }
}

class BarDisplay implements WatchDisplay {
  private readonly bar: SingleBar;
  private started = false;

  constructor(stream: NodeJS.WritableStream) {
    this.bar = new SingleBar({ stream, format: '{bar} {percentage}%  {text}', clearOnComplete: true });
  }

  show(verification: WatchedVerification): void {
    const { samplesDone, samplesTotal } = verification.progress;
    const payload = { text: progressText(verification) };
    if (this.started) this.bar.update(Number(samplesDone), payload);
    else this.bar.start(Number(samplesTotal), Number(samplesDone), payload);
    this.started = true;
  }

  end(): void {
    this.bar.stop();
  }
}
