import { CodedError } from '@app/errors';
console.log(CodedError.name);
