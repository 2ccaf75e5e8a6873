/** Parts of a batch of samples. Pure; proven by take-samples.spec.ts. */
import type { SampleBatch, TensorBatch, TensorData } from '../runtime.js';

export function sampleCount(batch: SampleBatch): number {
  switch (batch.form) {
    case 'tensors':
      return batch.count;
    case 'tokens':
      return batch.sequences.length;
    case 'text':
      return batch.texts.length;
  }
}

/** A batch of the samples at `positions` of `batch`, in that order; shares no memory with it. */
export function takeSamples(batch: SampleBatch, positions: readonly number[]): SampleBatch {
  switch (batch.form) {
    case 'tensors':
      return {
        form: 'tensors',
        count: positions.length,
        tensors: batch.tensors.map((tensor) => takeRows(tensor, positions)),
        labels: Int32Array.from(positions, (position) => batch.labels[position]!),
      };
    case 'tokens':
      return { form: 'tokens', sequences: positions.map((position) => batch.sequences[position]!.slice()) };
    case 'text':
      return { form: 'text', texts: positions.map((position) => batch.texts[position]!) };
  }
}

function takeRows(tensor: TensorBatch, positions: readonly number[]): TensorBatch {
  const row = tensor.shape.reduce((product, size) => product * size, 1);
  const data = new (tensor.data.constructor as new (length: number) => TensorData)(positions.length * row);
  positions.forEach((position, i) => {
    // The two arrays have the same type, which a union of typed arrays cannot say.
    data.set(tensor.data.subarray(position * row, (position + 1) * row) as never, i * row);
  });
  return { ...tensor, data };
}
