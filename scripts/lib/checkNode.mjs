// The oldest Node that can install the newer one; imported before anything that an older one could not read.
const minimumNode = 20;

if (Number(process.versions.node.split('.')[0]) < minimumNode) {
  process.stderr.write(`Node ${minimumNode} or newer is needed, this is ${process.versions.node}.\n`);
  process.exit(1);
}
