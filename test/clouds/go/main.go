// Command foreign asks programs that nobody of Holdfast wrote whether they accept what a Holdfast ledger exports:
// golang.org/x/mod/sumdb/note opens checkpoints, sumdb/tlog and transparency-dev/merkle check proofs.
//
//	foreign checkpoint VKEY FILE                   prints size and root
//	foreign tiles DIR SIZE ROOT                    reads every entry's hash through sumdb/tlog's tile reader
//	foreign inclusion INDEX SIZE LEAFHASH ROOT HASH...
//	foreign consistency FROM TO FROMROOT TOROOT HASH...
//
// Hashes are base64. Exit status 0 accepted by all, 1 refused by at least one (each says so on its own line), 2 wrong usage.
package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 2 {
		usage(errors.New("which check?"))
	}
	args := os.Args[2:]
	var refused bool
	switch os.Args[1] {
	case "checkpoint":
		refused = checkpoint(args)
	case "tiles":
		refused = tiles(args)
	case "inclusion":
		refused = inclusion(args)
	case "consistency":
		refused = consistency(args)
	default:
		usage(fmt.Errorf("unknown check %q", os.Args[1]))
	}
	if refused {
		os.Exit(1)
	}
}

func usage(err error) {
	fmt.Fprintln(os.Stderr, "usage:", err)
	os.Exit(2)
}

func say(who string, err error) bool {
	if err != nil {
		fmt.Printf("%s: refused: %v\n", who, err)
		return true
	}
	fmt.Printf("%s: accepted\n", who)
	return false
}

func checkpoint(args []string) bool {
	need(args, 2)
	verifier, err := note.NewVerifier(args[0])
	if err != nil {
		return say("sumdb/note", err)
	}
	bytes, err := os.ReadFile(args[1])
	if err != nil {
		usage(err)
	}
	opened, err := note.Open(bytes, note.VerifierList(verifier))
	if err != nil {
		return say("sumdb/note", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 {
		return say("sumdb/note", fmt.Errorf("%d lines", len(lines)))
	}
	fmt.Printf("size %s root %s\n", lines[1], lines[2])
	return say("sumdb/note", nil)
}

// folder reads tiles as sumdb/tlog asks for them: its names are those of tlog-tiles but for the height.
type folder string

func (dir folder) Height() int { return 8 }

func (dir folder) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), name))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", name, len(data))
		}
		all = append(all, data)
	}
	return all, nil
}

func (dir folder) SaveTiles([]tlog.Tile, [][]byte) {}

// tiles reads the hash of every leaf through the reader that authenticates tiles against the root, and hashes every entry bundle.
func tiles(args []string) bool {
	need(args, 3)
	dir := folder(args[0])
	size, root := number(args[1]), hash(args[2])
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: tlog.Hash(root)}, dir)
	for start := int64(0); start < size; start += 256 {
		count := min(256, size-start)
		var indexes []int64
		for i := range count {
			indexes = append(indexes, tlog.StoredHashIndex(0, start+i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return say("sumdb/tlog tiles", err)
		}
		name := tlog.Tile{H: 8, L: -1, N: start / 256, W: int(count)}.Path()
		name = strings.Replace(name, "tile/8/data/", "tile/entries/", 1)
		if err := bundle(filepath.Join(args[0], name), hashes); err != nil {
			return say("entry bundles", err)
		}
	}
	say("entry bundles", nil)
	return say("sumdb/tlog tiles", nil)
}

func bundle(path string, hashes []tlog.Hash) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i, want := range hashes {
		if len(data) < 2 || len(data) < 2+int(data[0])<<8+int(data[1]) {
			return fmt.Errorf("%s ends inside entry %d", path, i)
		}
		end := 2 + int(data[0])<<8 + int(data[1])
		if tlog.RecordHash(data[2:end]) != want {
			return fmt.Errorf("%s: entry %d is not the one of the tile", path, i)
		}
		data = data[end:]
	}
	if len(data) > 0 {
		return fmt.Errorf("%s goes on after its entries", path)
	}
	return nil
}

func inclusion(args []string) bool {
	if len(args) < 4 {
		need(args, 4)
	}
	index, size, leaf, root := number(args[0]), number(args[1]), hash(args[2]), hash(args[3])
	path := hashes(args[4:])
	var record tlog.RecordProof
	for _, h := range path {
		record = append(record, tlog.Hash(h))
	}
	first := say("sumdb/tlog", tlog.CheckRecord(record, size, tlog.Hash(root), index, tlog.Hash(leaf)))
	second := say("transparency-dev/merkle", proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), uint64(size), leaf, path, root))
	return first || second
}

func consistency(args []string) bool {
	if len(args) < 4 {
		need(args, 4)
	}
	from, to, fromRoot, toRoot := number(args[0]), number(args[1]), hash(args[2]), hash(args[3])
	path := hashes(args[4:])
	var tree tlog.TreeProof
	for _, h := range path {
		tree = append(tree, tlog.Hash(h))
	}
	first := say("sumdb/tlog", tlog.CheckTree(tree, to, tlog.Hash(toRoot), from, tlog.Hash(fromRoot)))
	second := say("transparency-dev/merkle", proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(from), uint64(to), path, fromRoot, toRoot))
	return first || second
}

func need(args []string, count int) {
	if len(args) != count {
		usage(fmt.Errorf("%d arguments where %d are needed", len(args), count))
	}
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		usage(fmt.Errorf("%q is no number", text))
	}
	return n
}

func hash(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) != tlog.HashSize {
		usage(fmt.Errorf("%q is no hash", text))
	}
	return data
}

func hashes(texts []string) [][]byte {
	var all [][]byte
	for _, text := range texts {
		all = append(all, hash(text))
	}
	return all
}
