import { describe, expect, it } from 'vitest';
import { knownAnswerOnnxFile } from '../../../../test/support/models/known-answer-onnx.js';
import { KNOWN_ANSWER, knownAnswerFault } from '../local/known-answer.js';
import { KNOWN_ANSWER_MODEL } from './known-answer-model.js';
import { checkOnnxBackend, loadOnnxruntime } from './onnx-backends.js';

describe('backends of onnxruntime', () => {
  it('the known-answer model is what it says', () => {
    expect(KNOWN_ANSWER_MODEL.equals(knownAnswerOnnxFile(KNOWN_ANSWER))).toBe(true);
  });

  it('the CPU gives the known answer', async () => {
    expect(await checkOnnxBackend(await loadOnnxruntime(), 'onnx-cpu')).toEqual({
      backend: 'onnx-cpu',
      usable: true,
      detail: 'known-answer check passed',
    });
  });

  it('a provider that is not there, or computes nonsense, is not usable', async () => {
    const runtime = await loadOnnxruntime();
    const without = { ...runtime, listSupportedBackends: () => [] };
    expect(await checkOnnxBackend(without, 'onnx-cuda')).toMatchObject({ usable: false });
    const [first, ...rest] = KNOWN_ANSWER.y;
    expect(knownAnswerFault([first + 0.01, ...rest])).toMatch(/wrong numbers/);
    expect(knownAnswerFault([NaN, ...rest])).toMatch(/wrong numbers/);
    expect(knownAnswerFault([first])).toMatch(/wrong numbers/);
    expect(knownAnswerFault(KNOWN_ANSWER.y)).toBeNull();
  });
});
