import { styleText } from 'node:util';

/** Text in a colour, where there is a terminal to show it. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Colours for an output: none unless it is a terminal that has them, and none with NO_COLOR. */
export function painter(stream: NodeJS.WriteStream): Paint {
  return (format, text) => (stream.isTTY ? styleText(format, text, { stream }) : text);
}
