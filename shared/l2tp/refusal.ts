/**
 * Why a tunnel or a call ends: the Result Code AVP on the wire, and the `Failure` a person reads. RFC 2661 §4.4.2.
 */
import { plainText } from '../errors.ts';
import { utf8Decode, utf8Encode } from '../wire/text.ts';
import type { ResultCode } from './avp.ts';
import {
  CALL_RESULT_TEXT,
  CallResult,
  GENERAL_ERROR_TEXT,
  GeneralError,
  STOP_RESULT_TEXT,
  StopResult,
} from './numbers.ts';

/** A reason of ours, in words for the failure's detail and codes for the wire. */
export interface Refusal {
  readonly text: string;
  readonly stop: ResultCode;
  readonly call: ResultCode;
}

/** A message that breaks the protocol: an AVP with the M bit that is not understood, or one that is missing. */
export function unknownAvp(text: string): Refusal {
  return generalError(text, GeneralError.unknownMandatoryAvp);
}

export function outOfRange(text: string): Refusal {
  return generalError(text, GeneralError.valueOutOfRange);
}

/** A message the state table has no place for. */
export function outOfSequence(text: string): Refusal {
  const message = utf8Encode(text);
  const { reasonInErrorCode } = CallResult;
  return {
    text,
    stop: { result: StopResult.finiteStateMachineError, error: 0, message },
    call: { result: reasonInErrorCode, error: GeneralError.valueOutOfRange, message },
  };
}

/** The peer did not prove that it knows the secret, or wants proof and we have none. */
export function notAuthorized(text: string): Refusal {
  return {
    text,
    stop: { result: StopResult.notAuthorized },
    call: { result: CallResult.administrative },
  };
}

/** The error code tells the highest version supported: 1, revision 0. */
export function unsupportedVersion(text: string): Refusal {
  return {
    text,
    stop: { result: StopResult.versionNotSupported, error: 0x0100 },
    call: { result: CallResult.administrative },
  };
}

/** Nobody's fault: closed from this side. */
export const LOCAL_CLOSE: Refusal = {
  text: 'closed',
  stop: { result: StopResult.generalRequest },
  call: { result: CallResult.administrative },
};

/** The peer's reason in the RFC's words, then its own: made fit for a screen. */
export function describeStop(code: ResultCode | undefined): string {
  return describe('StopCCN', STOP_RESULT_TEXT, code);
}

/** As `describeStop`, for a CDN. */
export function describeCall(code: ResultCode | undefined): string {
  return describe('CDN', CALL_RESULT_TEXT, code);
}

function describe(name: string, results: readonly string[], code: ResultCode | undefined): string {
  if (code === undefined) return `${name} without a result code`;
  const { result, error = 0, message } = code;
  let text = `${name} ${result}: ${results[result] ?? 'unknown result code'}`;
  // Beside this one result code the error code is a version number, not an error.
  const version = name === 'StopCCN' && result === StopResult.versionNotSupported;
  if (error !== 0 && !version) {
    text += ` (error ${error}: ${GENERAL_ERROR_TEXT[error] ?? 'unknown error code'})`;
  }
  // SoftEther fills this field with zeros.
  const words = message === undefined ? '' : plainText(utf8Decode(message));
  return plainText(words === '' ? text : `${text}: ${words}`);
}

function generalError(text: string, error: number): Refusal {
  const message = utf8Encode(text);
  return {
    text,
    stop: { result: StopResult.generalError, error, message },
    call: { result: CallResult.reasonInErrorCode, error, message },
  };
}
