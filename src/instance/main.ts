import { serveStdio } from './stdio.ts';

void serveStdio();
