#!/usr/bin/env node
import { runCommandLine } from './command-line.ts'

// No top-level await: a program that waits for ever must reach `beforeExit`, where that is reported.
void runCommandLine(process.argv.slice(2))
