import { serveStdio } from '../instance/stdio.ts';

void serveStdio();
