/** Something that goes wrong in designs like this one, and what the product has against it. */
export interface Trap {
  /** As the table in docs/testing.md calls it. */
  name: string;
  protections: readonly Protection[];
}

/** A protection, how to take it out, and the test that must fail then. */
export interface Protection {
  /** What happens without it. */
  without: string;
  /** Path of the file that it is in, from the root of the repository. */
  file: string;
  /** Text that is in the file exactly once. */
  remove: string;
  instead: string;
  /** Path of the test's file from the root of the repository. */
  test: string;
  /** Part of the titles of the tests in it that are run. */
  title: string;
  /** Whether these tests run what was built. */
  isBuilt?: true;
}
