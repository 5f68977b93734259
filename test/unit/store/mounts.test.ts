import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Database } from '../../../src/store/database.ts';
import { assertLocalFileSystem, type Mount, parseMountCommand, parseMountInfo } from '../../../src/store/mounts.ts';
import { hasReason, useDatabases } from '../../support/database.ts';

const mountInfo = String.raw`23 28 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw
24 23 0:22 / /home/me/net rw,relatime shared:2 master:1 - nfs4 server:/export rw
25 24 0:23 / /home/me/net/local rw - xfs /dev/vdb rw
26 23 0:24 / /mnt/My\040Files\134x rw - cifs //server/share rw
27 23 0:25 / /mnt/ssh rw - fuse.sshfs me@server: rw
28 23 0:26 / /mnt/covered rw - nfs server:/a rw
29 28 0:27 / /mnt/covered rw - tmpfs tmpfs rw

damaged line without the rest
`;

describe('table of mounts', () => {
  it('is read from mountinfo, octal escapes resolved and damaged lines skipped', () => {
    assert.deepEqual(parseMountInfo(mountInfo), [
      { point: '/', type: 'ext4' },
      { point: '/home/me/net', type: 'nfs4' },
      { point: '/home/me/net/local', type: 'xfs' },
      { point: '/mnt/My Files\\x', type: 'cifs' },
      { point: '/mnt/ssh', type: 'fuse.sshfs' },
      { point: '/mnt/covered', type: 'nfs' },
      { point: '/mnt/covered', type: 'tmpfs' },
    ]);
  });

  it('gives every place back as it is called, however the kernel writes it', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', 'é', ' ', '\t', '\n', '\\', '#', '-', '0', '4'),
      minLength: 1,
    });
    const mounts = fc.array(fc.record({ point: name.map((one) => `/${one}`), type: fc.constantFrom('ext4', 'nfs4') }));
    const escaped = (point: string) =>
      point.replace(/[ \t\n\\]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`);
    fc.assert(
      fc.property(mounts, fc.subarray(['shared:1', 'master:2']), (all, tags) => {
        const lines = all.map(({ point, type }, index) =>
          [index, 1, '0:1', '/', escaped(point), 'rw', ...tags, '-', type, 'dev', 'rw'].join(' '),
        );
        assert.deepEqual(
          parseMountInfo(lines.join('\n')),
          all.map(({ point, type }) => ({ point, type })),
        );
      }),
    );
  });

  it('is read from the output of the mount command', () => {
    const text = '/dev/disk1s1 on / (apfs, sealed, local)\n//me@nas/a b on /Volumes/a on b (smbfs, nodev)\nmap auto\n';
    assert.deepEqual(parseMountCommand(text), [
      { point: '/', type: 'apfs' },
      { point: '/Volumes/a on b', type: 'smbfs' },
    ]);
  });

  const places: [directory: string, network: string | null][] = [
    ['/home/me', null],
    ['/home/me/net', 'nfs4'],
    ['/home/me/net/deep/er', 'nfs4'],
    ['/home/me/network', null],
    ['/home/me/net/local', null],
    ['/home/me/net/local/deep', null],
    ['/home/me/net/locality', 'nfs4'],
    ['/mnt/My Files\\x/project', 'cifs'],
    ['/mnt/ssh/project', 'fuse.sshfs'],
    ['/mnt/covered/project', null],
    ['\\\\server\\share\\project', 'smb'],
  ];
  for (const [directory, network] of places) {
    it(`${network ? 'refuses' : 'accepts'} ${directory}`, () => {
      const check = () => assertLocalFileSystem(directory, parseMountInfo(mountInfo));
      if (!network) check();
      else assert.throws(check, hasReason('network-file-system'));
    });
  }

  for (const type of ['nfs', 'nfs4', 'cifs', 'smb3', 'smbfs', 'afs', '9p', 'ceph', 'fuse.rclone', 'vboxsf', 'webdav']) {
    it(`knows ${type} as a network file system`, () => {
      assert.throws(() => assertLocalFileSystem('/a', [{ point: '/', type }]), hasReason('network-file-system'));
    });
  }

  for (const type of ['ext4', 'btrfs', 'xfs', 'zfs', 'tmpfs', 'overlay', 'apfs', 'fuseblk', 'fuse.ntfs-3g']) {
    it(`knows ${type} as a local file system`, () => assertLocalFileSystem('/a', [{ point: '/', type }]));
  }

  it('goes by the nearest of any mounts, in whatever order they are told', () => {
    const place = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 }).map((names) => `/${names.join('/')}`);
    const mount = fc.record({ point: place, type: fc.constantFrom('ext4', 'nfs4') });
    const mounts = fc
      .uniqueArray(mount, { selector: ({ point }) => point })
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    const isRefused = (directory: string, all: readonly Mount[]) => {
      try {
        assertLocalFileSystem(directory, all);
        return false;
      } catch {
        return true;
      }
    };
    fc.assert(
      fc.property(mounts, place, fc.constantFrom('ext4', 'nfs4'), ([all, shuffled], directory, type) => {
        assert.equal(isRefused(directory, shuffled), isRefused(directory, all));
        const nearest = [...all.filter(({ point }) => point !== directory), { point: directory, type }];
        assert.equal(isRefused(directory, nearest), type === 'nfs4');
        const beside = { point: `${directory === '/' ? '' : directory}/c`, type };
        assert.equal(isRefused(directory, [beside, ...all]), isRefused(directory, all));
      }),
    );
  });

  it('tells the user the setting to change', () => {
    assert.throws(() => assertLocalFileSystem('/a', [{ point: '/', type: 'nfs' }]), /devchat\.database\.location/);
  });
});

describe('database on a network file system', () => {
  const databases = useDatabases();

  it('is refused', async () => {
    const mounts = () => [{ point: '/', type: 'nfs4' }];
    await assert.rejects(Database.open(databases.path, mounts), hasReason('network-file-system'));
  });
});
