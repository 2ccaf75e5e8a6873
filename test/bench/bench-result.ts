/** What every bench reports: a figure, its goal, and whether it is met. */
export interface BenchResult {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: string;
  readonly met: boolean;
}

export const atLeast = (id: string, value: number, goal: number, unit: string): BenchResult => ({
  id,
  value,
  unit,
  goal: `>= ${goal}`,
  met: value >= goal,
});

export const atMost = (id: string, value: number, goal: number, unit: string): BenchResult => ({
  id,
  value,
  unit,
  goal: `<= ${goal}`,
  met: value <= goal,
});
