/** The command `minivault-master`. */
import { runMaster } from './program.ts'

void runMaster('minivault-master')
