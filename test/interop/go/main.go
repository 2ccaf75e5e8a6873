// Command interop reads a Lacuna log over HTTP with other people's code only: golang.org/x/mod's sumdb/tlog for the
// trees and sumdb/note for the signatures. It verifies the latest checkpoint, every leaf, random inclusion proofs, and
// consistency between checkpoints kept while the log grew. It prints one JSON object; any disagreement ends it with
// status 1.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"sort"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type report struct {
	Origin      string  `json:"origin"`
	Size        int64   `json:"size"`
	Root        string  `json:"root"`
	Leaves      int64   `json:"leaves"`
	Inclusion   int     `json:"inclusionProofs"`
	Consistency int     `json:"consistencyProofs"`
	KeptSizes   []int64 `json:"keptSizes"`
	Requests    int     `json:"requests"`
}

func main() {
	url := flag.String("url", "", "address of the log, without a trailing slash")
	origin := flag.String("origin", "", "name of the log")
	kept := flag.String("kept", "", "folder of checkpoints kept earlier")
	proofs := flag.Int("proofs", 1000, "random inclusion proofs to check")
	seed := flag.Int64("seed", 1, "seed of the random leaves")
	flag.Parse()
	result, err := run(*url, *origin, *kept, *proofs, *seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(result)
}

func run(url, origin, kept string, proofs int, seed int64) (*report, error) {
	client := newLogClient(url)
	vkey, err := client.get("vkey")
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(trimNewline(string(vkey)))
	if err != nil {
		return nil, fmt.Errorf("vkey: %w", err)
	}
	signed, err := client.get("checkpoint")
	if err != nil {
		return nil, err
	}
	latest, err := openCheckpoint(signed, origin, verifier)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	reader := tlog.TileHashReader(latest.Tree, client)
	leaves, err := checkEveryLeaf(client, reader, latest.Tree)
	if err != nil {
		return nil, err
	}
	if err := checkInclusion(client, reader, latest.Tree, proofs, rand.New(rand.NewSource(seed))); err != nil {
		return nil, err
	}
	trees, err := readKept(kept, origin, verifier)
	if err != nil {
		return nil, err
	}
	checked, err := checkConsistency(reader, append(trees, latest.Tree))
	if err != nil {
		return nil, err
	}
	result := &report{
		Origin: origin, Size: latest.N, Root: latest.Hash.String(), Leaves: leaves,
		Inclusion: proofs, Consistency: checked, Requests: client.requests,
	}
	for _, tree := range trees {
		result.KeptSizes = append(result.KeptSizes, tree.N)
	}
	return result, nil
}

// checkEveryLeaf hashes each entry, compares it with its authenticated tile, and rebuilds the whole tree from the
// entries alone.
func checkEveryLeaf(client *logClient, reader tlog.HashReader, tree tlog.Tree) (int64, error) {
	var stored []tlog.Hash
	own := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for first := int64(0); first < tree.N; first += bundleWidth {
		entries, err := client.entries(first, tree.N)
		if err != nil {
			return first, err
		}
		indexes := make([]int64, len(entries))
		for i := range entries {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		authentic, err := reader.ReadHashes(indexes)
		if err != nil {
			return first, fmt.Errorf("tile of leaf %d: %w", first, err)
		}
		for i, entry := range entries {
			leaf := first + int64(i)
			if tlog.RecordHash(entry) != authentic[i] {
				return leaf, fmt.Errorf("leaf %d does not hash to its tile", leaf)
			}
			hashes, err := tlog.StoredHashes(leaf, entry, own)
			if err != nil {
				return leaf, err
			}
			stored = append(stored, hashes...)
		}
	}
	root, err := tlog.TreeHash(tree.N, own)
	if err != nil {
		return tree.N, err
	}
	if root != tree.Hash {
		return tree.N, fmt.Errorf("the entries make root %v, the checkpoint says %v", root, tree.Hash)
	}
	return tree.N, nil
}

func checkInclusion(client *logClient, reader tlog.HashReader, tree tlog.Tree, count int, random *rand.Rand) error {
	for i := 0; i < count; i++ {
		leaf := random.Int63n(tree.N)
		entry, err := client.entry(leaf, tree.N)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(tree.N, leaf, reader)
		if err != nil {
			return fmt.Errorf("inclusion proof of leaf %d: %w", leaf, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, leaf, tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("inclusion of leaf %d: %w", leaf, err)
		}
	}
	return nil
}

// checkConsistency proves every pair of trees against each other and returns the number of pairs.
func checkConsistency(reader tlog.HashReader, trees []tlog.Tree) (int, error) {
	checked := 0
	for i, older := range trees {
		for _, newer := range trees[i+1:] {
			proof, err := tlog.ProveTree(newer.N, older.N, reader)
			if err != nil {
				return checked, fmt.Errorf("consistency proof %d to %d: %w", older.N, newer.N, err)
			}
			if err := tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash); err != nil {
				return checked, fmt.Errorf("consistency %d to %d: %w", older.N, newer.N, err)
			}
			checked++
		}
	}
	return checked, nil
}

func readKept(folder, origin string, verifier note.Verifier) ([]tlog.Tree, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.checkpoint"))
	if err != nil {
		return nil, err
	}
	var trees []tlog.Tree
	for _, file := range files {
		signed, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		kept, err := openCheckpoint(signed, origin, verifier)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		trees = append(trees, kept.Tree)
	}
	sort.Slice(trees, func(i, j int) bool { return trees[i].N < trees[j].N })
	return trees, nil
}
