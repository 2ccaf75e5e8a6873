package main

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	tlog.Tree
}

// openCheckpoint verifies a signed note and reads the C2SP checkpoint in it: origin, size, root.
func openCheckpoint(signed []byte, origin string, verifier note.Verifier) (*checkpoint, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return nil, fmt.Errorf("a checkpoint has three lines, this one %d", len(lines)-1)
	}
	if lines[0] != origin {
		return nil, fmt.Errorf("the checkpoint is of %q", lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return nil, fmt.Errorf("the size line is %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return nil, err
	}
	return &checkpoint{tlog.Tree{N: size, Hash: root}}, nil
}

func trimNewline(text string) string { return strings.TrimSuffix(text, "\n") }
