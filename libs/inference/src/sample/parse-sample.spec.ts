import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeSample } from './payload.js';
import { parseSample } from './parse-sample.js';
import type { PlacedPayload } from './placed-payload.js';
import { readSamples } from './read-samples.js';

const refusal = (json: unknown): unknown => {
  try {
    parseSample(json);
  } catch (error) {
    return error;
  }
  return undefined;
};

const tensors = (input: Record<string, unknown>) => ({ sampleId: 'a', label: 1, inputs: { x: input } });
const SECRET = 'very-secret-content';

describe('a sample as JSON', () => {
  it('has tensors as numbers or as base64, to the same bytes', () => {
    const data = parseSample(tensors({ dtype: 'float32', shape: [2], data: [1.5, -2] }));
    const bytes = Buffer.from(Float32Array.of(1.5, -2).buffer).toString('base64');
    expect(parseSample(tensors({ dtype: 'float32', shape: [2], base64: bytes }))).toEqual(data);
    expect(data).toEqual({
      sampleId: 'a',
      sample: {
        form: 'tensors',
        label: 1,
        tensors: [{ name: 'x', dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -2) }],
      },
    });
  });

  it('has inputs in the order of their names, whatever order they come in', () => {
    const one = { dtype: 'bool', shape: [1], data: [true] };
    const names = (inputs: Record<string, unknown>) => {
      const { sample } = parseSample({ label: 0, inputs });
      return sample.form === 'tensors' ? sample.tensors.map(({ name }) => name) : [];
    };
    expect(names({ b: one, a: one })).toEqual(['a', 'b']);
  });

  it('may be tokens, text or a reference', () => {
    expect(parseSample({ tokens: [1, 2] }).sample).toEqual({ form: 'tokens', tokens: Int32Array.of(1, 2) });
    expect(parseSample({ text: 'x' }).sample).toEqual({ form: 'text', text: 'x' });
    const reference = { url: 'https://a.example/1', sha256: 'ab'.repeat(32), sizeBytes: 3 };
    expect(parseSample({ reference }).sample).toEqual({ form: 'reference', ...reference });
  });

  it.each<[string, unknown, string]>([
    ['nothing', {}, ''],
    ['two forms', { text: SECRET, tokens: [1] }, ''],
    ['a text with a label', { text: SECRET, label: 1 }, 'label'],
    ['inputs without a label', { inputs: { x: { dtype: 'bool', shape: [1], data: [1] } } }, 'label'],
    ['a negative label', { ...tensors({ dtype: 'bool', shape: [1], data: [1] }), label: -1 }, 'label'],
    ['an unknown field', { text: 'x', secret: SECRET }, ''],
    ['an id with a control character', { text: 'x', sampleId: 'a\n' }, 'sampleId'],
    ['too few elements', tensors({ dtype: 'uint8', shape: [3], data: [1, 2] }), 'inputs'],
    ['an element that is no number', tensors({ dtype: 'float32', shape: [1], data: [SECRET] }), 'inputs'],
    ['an element out of range', tensors({ dtype: 'uint8', shape: [1], data: [256] }), 'inputs'],
    ['a fraction in int32', tensors({ dtype: 'int32', shape: [1], data: [0.5] }), 'inputs'],
    ['a number beyond float32', tensors({ dtype: 'float32', shape: [1], data: [1e300] }), 'inputs'],
    ['base64 that is none', tensors({ dtype: 'uint8', shape: [1], base64: '!!' }), 'inputs'],
    ['base64 of half an element', tensors({ dtype: 'float32', shape: [1], base64: 'AAA=' }), 'inputs'],
    ['base64 of NaN', tensors({ dtype: 'float32', shape: [1], base64: 'AADAfw==' }), 'inputs'],
    ['data and base64', tensors({ dtype: 'uint8', shape: [1], data: [1], base64: 'AQ==' }), 'inputs'],
    ['an unknown dtype', tensors({ dtype: SECRET, shape: [1], data: [1] }), 'inputs.x.dtype'],
    ['an input that is too large', tensors({ dtype: 'float64', shape: [1024, 1025], data: [] }), 'inputs'],
    [
      'a name of too many bytes',
      { label: 0, inputs: { ['東'.repeat(86)]: {} } },
      `inputs.${'東'.repeat(86)}`,
    ],
    ['a negative token', { tokens: [-1] }, 'tokens'],
    ['no token', { tokens: [] }, 'tokens'],
    [
      'a reference over http',
      { reference: { url: 'http://a.example', sha256: 'ab'.repeat(32), sizeBytes: 1 } },
      'reference.url',
    ],
    [
      'a reference with a password',
      { reference: { url: `https://u:${SECRET}@a.example`, sha256: 'ab'.repeat(32), sizeBytes: 1 } },
      'reference.url',
    ],
    ['no object', 'text', ''],
  ])('with %s is refused, naming the field and not its content', (_name, json, field) => {
    const error = refusal(json);
    expect(error).toMatchObject({ code: 'SAMPLE_MALFORMED', details: { field } });
    expect(String(error)).not.toContain(SECRET);
  });
});

async function all(text: string | Uint8Array, maxBytes = 1e6): Promise<PlacedPayload[]> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(text as string));
  }
  const lines: PlacedPayload[] = [];
  for await (const line of readSamples(bytes(), maxBytes)) lines.push(line);
  return lines;
}

describe('a file of samples', () => {
  const text = '{"sampleId":"a","text":"one"}\n\n{"sampleId":"b","tokens":[7]}\r\n';

  it('gives a payload a line, gzip or not', async () => {
    const lines = await all(text);
    expect(lines.map(({ place, sampleId, payload }) => [place, sampleId, decodeSample(payload)])).toEqual([
      [{ line: 1 }, 'a', { form: 'text', text: 'one' }],
      [{ line: 3 }, 'b', { form: 'tokens', tokens: Int32Array.of(7) }],
    ]);
    expect(await all(gzipSync(text))).toEqual(lines);
  });

  it.each<[string, string | Uint8Array, object]>([
    ['not JSON', `${text}{"text": "${SECRET}`, { code: 'SAMPLE_MALFORMED', details: { line: 4 } }],
    ['without an id', '{"text":"x"}', { code: 'SAMPLE_MALFORMED', details: { line: 1, field: 'sampleId' } }],
    ['too large', text.repeat(10_000), { code: 'SAMPLE_UPLOAD_TOO_LARGE' }],
    ['cut off', gzipSync(text).subarray(0, 30), { code: 'SAMPLE_COMPRESSION_BROKEN' }],
  ])('that is %s is refused', async (_name, bytes, expected) => {
    const error = await all(bytes, 100_000).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(expected);
    expect(JSON.stringify([String(error), (error as Error).cause])).not.toContain(SECRET);
  });
});
