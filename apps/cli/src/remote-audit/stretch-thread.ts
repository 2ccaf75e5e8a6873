/** A thread of the audit over HTTP. Ends when it is terminated. */
import { serveOrders } from '@app/threads';
import { auditStretch } from './stretch-audit.js';

serveOrders(auditStretch);
