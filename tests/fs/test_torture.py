"""Images of ext2, ext3 and ext4 that are damaged at random places, thousands of times, are read to an end."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from trees import BUILD, fill, make_image, need, run  # noqa: E402

KINDS = {
    "ext4": ["-t", "ext4", "-O", "inline_data,^has_journal", "-b", "1024"],
    "ext4-4k": ["-t", "ext4", "-O", "^has_journal"],
    "ext4-no-checksums": ["-t", "ext4", "-b", "1024", "-O", "meta_bg,^resize_inode,^metadata_csum,^has_journal"],
    "ext2": ["-t", "ext2", "-b", "1024", "-I", "128"],
    "bigalloc": ["-t", "ext4", "-O", "bigalloc,^has_journal", "-C", "16384"],
}


def main():
    need("mke2fs", "debugfs")
    seconds, seed = os.environ.get("SECONDS_EACH", "4"), os.environ.get("SEED", "1")
    wrong = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("CAIRN_TEST_DIR")) as d:
        tree = Path(d) / "tree"
        tree.mkdir()
        fill(tree, many=400, far_times=False)
        for name, options in KINDS.items():
            image = Path(d) / f"{name}.raw"
            make_image(image, "24M", *options, "-d", tree)
            run("debugfs", "-w", "-R", "rm /size-100", image)
            run("debugfs", "-w", "-R", "rm /names/hard-link", image)
            p = subprocess.run([BUILD / "tests/fs_torture", image, seed, seconds], capture_output=True)
            out = p.stdout.decode().replace("\r", "\n").splitlines()
            print(f"{name}: {out[-1] if out else ''}", flush=True)
            if p.returncode:
                wrong += 1
                print(f"{name}: exit {p.returncode}: {p.stderr.decode(errors='replace')[-3000:]}", flush=True)
            image.unlink()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
