/** Something that the person at the command line has to mend. The message says what was expected, what came, what to do. */
export class BadUse extends Error {
  override name = 'BadUse';
}
