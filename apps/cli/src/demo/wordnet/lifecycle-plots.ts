/** Two plots of the lifecycle: where each request lies under each release, and how well each score sees the sound one. */
import { rocCurve } from '@app/iam';
import { labelsOf, type Lifecycle, type Rival } from '../../../../lab/src/index.js';
import { renderRoc } from '../../plots/roc-plot.js';
import { COLOURS, renderSvg } from '../../plots/svg.js';

export interface NamedPlot {
  /** File name without its end. */
  readonly name: string;
  readonly svg: string;
}

const SOUND_RELEASE = 'retrained';

export async function plotLifecycle(lifecycle: Lifecycle, rivals: readonly Rival[]): Promise<NamedPlot[]> {
  return [
    { name: 'requests', svg: await plotRequests(lifecycle, rivals[0]!) },
    { name: `roc-${SOUND_RELEASE}`, svg: await plotScores(lifecycle, rivals) },
  ];
}

const TRUTHS = ['not trained on', 'trained on', 'unlearned approximately'] as const;
const MEANS = ['mean of calibration samples', 'mean of controls'] as const;
type Truth = (typeof TRUTHS)[number];

function truthOf(holds: readonly number[] | null, request: number): Truth {
  if (holds === null) return 'unlearned approximately';
  return holds.includes(request) ? 'trained on' : 'not trained on';
}

/** One point a request and release; lines where calibration samples and controls lie on average. */
function plotRequests(lifecycle: Lifecycle, iam: Rival): Promise<string> {
  const { points, lines } = requestPoints(lifecycle, iam);
  return renderSvg({
    description: 'Mean completeness of every deletion request under every release, by truth.',
    title: 'Completeness of each request (1 = as never trained on)',
    data: [
      { name: 'points', values: points },
      { name: 'lines', values: lines },
    ],
    scales: [
      { name: 'x', type: 'band', range: 'width', domain: iam.releases.map(({ release }) => release) },
      { name: 'y', type: 'linear', range: 'height', domain: [0, 1] },
      { name: 'colour', type: 'ordinal', domain: [...TRUTHS, ...MEANS], range: COLOURS },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', labelAngle: -25, labelAlign: 'right' },
      { orient: 'left', scale: 'y', title: 'Mean IAM completeness score of the ten samples' },
    ],
    legends: [{ fill: 'colour', orient: 'bottom', columns: 2, direction: 'vertical' }],
    marks: [
      {
        type: 'rect',
        from: { data: 'lines' },
        encode: {
          enter: {
            ...POSITION,
            x: { scale: 'x', field: 'release' },
            width: { scale: 'x', band: 1 },
            height: { value: 2 },
          },
        },
      },
      {
        type: 'symbol',
        from: { data: 'points' },
        encode: {
          enter: {
            ...POSITION,
            x: { scale: 'x', field: 'release', band: 0.5, offset: { field: 'shift' } },
            size: { value: 22 },
            fillOpacity: { value: 0.75 },
          },
        },
      },
    ],
  });
}

const POSITION = {
  y: { scale: 'y', field: 'completeness' },
  fill: { scale: 'colour', field: 'truth' },
};

function requestPoints({ recipes }: Lifecycle, { releases }: Rival) {
  const points = releases.flatMap(({ release, statistics }, place) =>
    statistics.map((completeness, request) => ({
      release,
      completeness,
      // Beside each other, not on top of each other.
      shift: ((request % 10) - 4.5) * 5,
      truth: truthOf(recipes.releases[place]!.holds, request),
    })),
  );
  const lines = releases.flatMap(({ release, means }) => [
    { release, completeness: means.calibration, truth: MEANS[0] },
    { release, completeness: means.controls, truth: MEANS[1] },
  ]);
  return { points, lines };
}

/** Controls against forgotten samples under the release that was trained again without them. */
function plotScores({ world }: Lifecycle, rivals: readonly Rival[]): Promise<string> {
  const forgotten = world.requests.flat().length;
  const lines = rivals.map(({ score, releases }) => {
    const { membership, auc } = releases.find(({ release }) => release === SOUND_RELEASE)!;
    return { name: score, auc, curve: rocCurve(membership, labelsOf(membership, forgotten)) };
  });
  return renderRoc({ title: `Release ${SOUND_RELEASE}`, lines, logarithmic: false });
}
