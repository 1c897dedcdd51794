import type { Command } from 'commander';
import { harmless } from './harmless.ts';
import type { Interrupt } from './interrupt.ts';

/** Runs what a command does and keeps the exit code it returns. */
export type Act = (command: (interrupt: Interrupt) => Promise<number>) => Promise<void>;

/** Adds one command to the program. */
export type AddCommand = (program: Command, act: Act) => void;

/** Prints a line. */
export const print = (text: string): void => void process.stdout.write(`${harmless(text)}\n`);

/** Prints a line for people where the output is for programs. */
export const printAside = (text: string): void => void process.stderr.write(`${harmless(text)}\n`);
