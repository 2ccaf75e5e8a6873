/**
 * Every setting of Lacuna, in one place: name, default, unit and what it is for. The table in the README is
 * printed from this schema by test/e2e/readme.spec.ts, so the two cannot drift apart.
 */
import { z } from 'zod';

const wholeNumber = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= low && value <= high, `must lie between ${low} and ${high}`);

const decimal = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'must be a decimal number')
    .transform(Number)
    .refine((value) => value >= low && value <= high, `must lie between ${low} and ${high}`);

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const text = z.string().min(1, 'must not be empty');

/** What model files may be run on, in the order of the default; the lib `inference` says what each one is. */
const inferenceBackend = z.enum([
  'onnx-cuda',
  'onnx-webgpu',
  'onnx-cpu',
  'tfjs-node-gpu',
  'tfjs-node',
  'tfjs-wasm',
  'tfjs-cpu',
]);

const list = <T extends z.ZodType<string, string>>(item: T) =>
  z
    .string()
    .transform((value) => value.split(',').map((part) => part.trim()))
    .pipe(z.array(item).min(1));

/** A log origin becomes a URL-less name on every checkpoint: no spaces, no plus (C2SP signed-note key names). */
const ledgerName = text.regex(/^[^\s+]+$/, 'must hold no spaces and no "+"');

/** `postgres:` or `postgresql:`; a host may be missing, for a socket's directory stands in `?host=`. */
const isPostgresUrl = (url: string): boolean => URL.canParse(url) && /^postgres(ql)?:/.test(url);

/** `host`, `host:port` or `*.domain`, lower case; IPv6 addresses in brackets. */
const HOST = /^(\*\.)?([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/;
const hosts = text
  .transform((list) => list.split(',').map((host) => host.trim().toLowerCase()))
  .refine(
    (list) => list.every((host) => HOST.test(host)),
    'must be hosts (host, host:port, *.domain) with commas between',
  );

export const settings = {
  LACUNA_DATA_DIR: text
    .optional()
    .describe('directory of keys, embedded database and demo output (default: `.lacuna` in the clone)'),
  LACUNA_DATABASE_URL: text
    .refine(isPostgresUrl, 'must be a URL: postgres://user:password@host:5432/database')
    .optional()
    .describe('external PostgreSQL; without it an embedded one is run in the data directory'),
  LACUNA_DATABASE_POOL: wholeNumber(2, 200)
    .default(10)
    .describe('connections of one process to the database'),
  LACUNA_LEDGER_NAME: ledgerName
    .default('lacuna.local')
    .describe('first part of every log origin; no daemon starts under another one once logs exist'),
  LACUNA_HOST: text
    .default('127.0.0.1')
    .describe('address the daemon listens on; anything but loopback needs the LACUNA_JWT settings'),
  LACUNA_PORT: wholeNumber(0, 65535).default(4466).describe('port of the daemon; 0 picks a free one'),
  LACUNA_PUBLIC_URL: z
    .url()
    .optional()
    .describe('address under which others reach the daemon (in attestations and links)'),
  LACUNA_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('least level that is logged'),
  LACUNA_JWT_JWKS: text
    .optional()
    .describe("file or https URL of the JWKS that signs callers' tokens; without it a local issuer is made"),
  LACUNA_JWT_ISSUER: text.optional().describe("required `iss` of callers' tokens"),
  LACUNA_JWT_AUDIENCE: text.optional().describe("required `aud` of callers' tokens"),
  LACUNA_ATTESTATION_KEY: text
    .optional()
    .describe(
      'file with the PKCS#8 PEM key that signs attestations (Ed25519 or P-256); made on first start otherwise',
    ),
  LACUNA_LOG_KEY: text
    .optional()
    .describe('file with the PKCS#8 PEM Ed25519 key that signs checkpoints; made on first start otherwise'),
  LACUNA_VAULT_KEY: text
    .optional()
    .describe(
      'file with the keys that sample payloads are encrypted under, one a line, the active one first; made on first start otherwise',
    ),
  LACUNA_ATTESTATION_VALID_SECONDS: wholeNumber(1, 315_360_000)
    .default(7_776_000)
    .describe('seconds from issue to expiry of an attestation (default 90 days)'),
  LACUNA_CHECKPOINT_INTERVAL_MS: wholeNumber(10, 60_000)
    .default(100)
    .describe('longest time between an append and its checkpoint, in milliseconds'),
  LACUNA_WITNESS_POLICY: text
    .optional()
    .describe(
      'file in tlog-policy format: the witnesses that must have cosigned a checkpoint before it is published',
    ),
  LACUNA_REVERIFY_CRON: text
    .default('0 3 * * *')
    .describe(
      'when current releases that changed are verified again and attestations renewed (cron, five or six fields, UTC); `off` disables it',
    ),
  LACUNA_AUDIT_CRON: text
    .default('30 4 * * *')
    .describe(
      'when the ledger is audited: what is new, and everything once a week (cron as above); `off` disables it',
    ),
  LACUNA_UPLOAD_MAX_BYTES: wholeNumber(1024, 17_179_869_184)
    .default(1_073_741_824)
    .describe('largest bulk file accepted, in bytes after decompression'),
  LACUNA_ARTIFACT_MAX_BYTES: wholeNumber(1024, 1_099_511_627_776)
    .default(8_589_934_592)
    .describe('largest model accepted, in bytes of all its files together, after decompression'),
  LACUNA_ARTIFACT_CACHE: text
    .optional()
    .describe(
      'folder for copies of model files on this machine (default: `artifacts` in the data directory)',
    ),
  LACUNA_ARTIFACT_CACHE_BYTES: wholeNumber(0, 1_099_511_627_776)
    .default(21_474_836_480)
    .describe('size above which the copies longest unused are removed, in bytes'),
  LACUNA_GRAPHQL_MAX_DEPTH: wholeNumber(3, 100).default(12).describe('deepest query answered'),
  LACUNA_GRAPHQL_MAX_COMPLEXITY: wholeNumber(10, 1_000_000)
    .default(5000)
    .describe('most fields a query may ask for, page sizes multiplied in'),
  LACUNA_GRAPHIQL: flag
    .optional()
    .describe('serve the GraphiQL page at /graphiql (default: only on a loopback address)'),
  LACUNA_ENDPOINT_HOSTS: hosts
    .optional()
    .describe(
      'inference servers that workers may contact: `host`, `host:port` or `*.domain`, with commas between (default: none)',
    ),
  LACUNA_ENDPOINT_TOKENS: text
    .optional()
    .describe('JSON file from `host` or `host:port` of an inference server to the bearer token it wants'),
  LACUNA_DRIFT_SAMPLE: wholeNumber(1, 4096)
    .default(64)
    .describe('known signals that an endpoint is asked for again when a schedule looks whether it drifted'),
  LACUNA_DRIFT_TOLERANCE: decimal(1e-6, 10)
    .default(0.1)
    .describe(
      'largest difference of two signals taken to be the same, in log-odds: twice the error of the logits that is let pass',
    ),
  LACUNA_SAMPLE_HOSTS: hosts
    .optional()
    .describe(
      'servers that samples kept by their owners may be fetched from, in the same form (default: none)',
    ),
  LACUNA_SAMPLE_PRIVATE_ADDRESSES: flag
    .optional()
    .describe('let these servers have private and loopback addresses (default: public ones only)'),
  LACUNA_SAMPLE_TIMEOUT_MS: wholeNumber(100, 600_000)
    .default(30_000)
    .describe('longest time to fetch one of these samples, in milliseconds'),
  LACUNA_WORKER_CONCURRENCY: wholeNumber(1, 64)
    .default(2)
    .describe('blocks one worker process takes at a time'),
  LACUNA_WORKER_MODELS: wholeNumber(1, 64).default(4).describe('live models one worker process keeps loaded'),
  LACUNA_INFERENCE_BACKENDS: list(inferenceBackend)
    .prefault(inferenceBackend.options.join(','))
    .describe('what model files may be run on, best first; each must pass a known-answer check'),
  LACUNA_INFERENCE_THREADS: wholeNumber(1, 256)
    .default(1)
    .describe('threads one model computes with; more workers use more cores, too'),
  LACUNA_INFERENCE_TIMEOUT_MS: wholeNumber(100, 3_600_000)
    .default(60_000)
    .describe('longest time for one batch of samples; a model that takes longer is stopped'),
  LACUNA_INFERENCE_MEMORY_MB: wholeNumber(256, 1_048_576)
    .default(2048)
    .describe('most memory of the process that runs one model, in MiB; one that grows larger is stopped'),
  LACUNA_INFERENCE_TFJS_NODE: text
    .optional()
    .describe('folder of a @tensorflow/tfjs-node package with its addon, built elsewhere'),
} as const;

export const configSchema = z.strictObject(settings);

type Parsed = z.infer<typeof configSchema>;
export type Config = Readonly<Parsed>;
