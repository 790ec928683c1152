import type { ValidationArguments } from 'class-validator';
import type { Checked } from './urls.js';
import { IsInt, Max, Min, ValidateBy, ValidateIf } from './validator.js';

/** A key that may be left out. Unlike `IsOptional`, null is not the same as nothing. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** Says what is wrong: left out, or not as `what` says. */
function message(what: string, write: string) {
  return ({ value }: ValidationArguments) =>
    `${value === undefined ? 'is missing' : `must be ${what}`}; write ${write}`;
}

/** A whole number from `min` to `max`. */
export function WholeNumber(min: number, max: number, write: string): PropertyDecorator {
  const options = { message: message(`a whole number from ${min} to ${max}`, write) };
  return (target, key) => {
    for (const rule of [IsInt(options), Min(min, options), Max(max, options)]) rule(target, key);
  };
}

/** Any test of one value. */
export function Is(test: (value: unknown) => boolean, what: string, write: string): PropertyDecorator {
  return ValidateBy({ name: 'is', validator: { validate: test } }, { message: message(what, write) });
}

/** Text that `read` takes; its own words say what is wrong. */
export function Reads(read: (text: string, object: object) => Checked<unknown>, write: string): PropertyDecorator {
  const problem = (value: unknown, object: object) => {
    if (typeof value !== 'string' || value === '') return message('text', write)({ value } as ValidationArguments);
    return read(value, object).problem;
  };
  return ValidateBy({
    name: 'reads',
    validator: {
      validate: (value, args) => problem(value, args?.object ?? {}) === undefined,
      defaultMessage: (args) => problem(args?.value, args?.object ?? {}) ?? '',
    },
  });
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && !value.includes('\0');
}

export function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isText);
}
