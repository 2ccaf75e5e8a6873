import { Controller, Get, Inject, Res } from '@nestjs/common';
import { DATABASE, type Database, DRIFT_OUTCOMES } from '@app/persistence';
import { Queue } from '@app/queue';
import type { FastifyReply } from 'fastify';
import { Everybody } from '../auth/roles.decorator.js';
import { Metrics } from './metrics.js';
import { Readiness } from './readiness.js';

/**
 * For supervisors and Prometheus: no token, no secrets, nothing about samples or subjects. Behind a public address the
 * proxy keeps /metrics to itself; the README says so.
 */
@Controller()
export class OperationsController {
  constructor(
    private readonly readiness: Readiness,
    private readonly metrics: Metrics,
    private readonly queue: Queue,
    @Inject(DATABASE) private readonly db: Database,
  ) {}

  /** The process answers; nothing else is asked, so that a slow database does not get the daemon killed. */
  @Get('healthz')
  @Everybody()
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  @Everybody()
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const { ready, reasons } = await this.readiness.report();
    await reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', reasons });
  }

  @Get('metrics')
  @Everybody()
  async report(@Res() reply: FastifyReply): Promise<void> {
    const text = await this.metrics.report(async () => ({
      queueDepths: await this.queue.depths(),
      deadLetters: await this.queue.deadLetters(),
      withheldCheckpoints: this.readiness.withheldCheckpoints(),
      refusedLogs: this.readiness.refusedLogs(),
      lastAudit: await this.readiness.lastAudit(),
      uncheckpointedEntries: await this.readiness.uncheckpointedEntries(),
      verifications: await this.verificationsByResult(),
      driftChecks: await this.driftChecksByOutcome(),
    }));
    await reply.header('content-type', this.metrics.registry.contentType).send(text);
  }

  private async verificationsByResult(): Promise<Record<string, number>> {
    const rows = await this.db
      .selectFrom('verification_outcome')
      .select(['result', (eb) => eb.fn.countAll().as('count')])
      .groupBy('result')
      .execute();
    return Object.fromEntries(rows.map(({ result, count }) => [result, Number(count)]));
  }

  private async driftChecksByOutcome(): Promise<Record<string, number>> {
    const rows = await this.db
      .selectFrom('drift_check')
      .select(['outcome', (eb) => eb.fn.countAll().as('count')])
      .groupBy('outcome')
      .execute();
    const counts = new Map(rows.map(({ outcome, count }) => [outcome, Number(count)]));
    return Object.fromEntries(DRIFT_OUTCOMES.map((outcome) => [outcome, counts.get(outcome) ?? 0]));
  }
}
