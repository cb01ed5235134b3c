// Shapes that a JSON value must have: as strict as the types that the Python verifier reads into.

export const isText = (value) => typeof value === "string";
export const isWhole = (value) => Number.isSafeInteger(value);
export const isCounter = (value) => isWhole(value) && value >= 0;
export const isNothing = (value) => value === null;
export const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

export const either = (...shapes) => (value) => shapes.some((shape) => shape(value));
export const listOf = (shape) => (value) => Array.isArray(value) && value.every(shape);
export const tuple = (...shapes) => (value) =>
  Array.isArray(value) && value.length === shapes.length && shapes.every((shape, at) => shape(value[at]));
export const isBytes = (length) => (value) => value instanceof Uint8Array && value.length === length;
export const matching = (pattern) => (value) => isText(value) && pattern.test(value);
export const mapOf = (shape) => (value) => isObject(value) && Object.values(value).every(shape);

// Every field of `fields` must be there, those of `optional` may be, and there is no other.
export function record(fields, optional = {}) {
  const shapes = new Map(Object.entries({ ...optional, ...fields }));
  return (value) =>
    isObject(value) &&
    Object.keys(fields).every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, member]) => shapes.get(name)?.(member) === true);
}
