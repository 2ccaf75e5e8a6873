package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// bundleWidth is the number of entries in a full bundle, and of hashes in a full tile (C2SP tlog-tiles).
const (
	tileHeight  = 8
	bundleWidth = 1 << tileHeight
)

// logClient reads a log's resources; it is the tlog.TileReader of the checks.
type logClient struct {
	url      string
	http     http.Client
	requests int
	// Bundles by first leaf, and authenticated tiles: the random proofs come back to them.
	bundles map[int64][][]byte
	tiles   map[tlog.Tile][]byte
}

func newLogClient(url string) *logClient {
	return &logClient{
		url:     url,
		http:    http.Client{Timeout: time.Minute},
		bundles: map[int64][][]byte{},
		tiles:   map[tlog.Tile][]byte{},
	}
}

func (c *logClient) get(path string) ([]byte, error) {
	c.requests++
	answer, err := c.http.Get(c.url + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	if strings.HasPrefix(path, "tile/") && !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
		return nil, fmt.Errorf("%s is not immutable", path)
	}
	return io.ReadAll(answer.Body)
}

// Height, ReadTiles and SaveTiles make it a tlog.TileReader. C2SP fixes the height and leaves it out of the path.
func (c *logClient) Height() int { return tileHeight }

func (c *logClient) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		if known, ok := c.tiles[tile]; ok {
			data[i] = known
			continue
		}
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
		read, err := c.get(path)
		if err != nil {
			return nil, err
		}
		data[i] = read
	}
	return data, nil
}

func (c *logClient) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		c.tiles[tile] = data[i]
	}
}

// entries reads the bundle that starts at leaf first, of a log of the given size.
func (c *logClient) entries(first, size int64) ([][]byte, error) {
	if known, ok := c.bundles[first]; ok {
		return known, nil
	}
	tile := tlog.Tile{H: tileHeight, L: -1, N: first / bundleWidth, W: bundleWidth}
	if rest := size - first; rest < bundleWidth {
		tile.W = int(rest)
	}
	path := "tile/entries/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/data/", tileHeight))
	bundle, err := c.get(path)
	if err != nil {
		return nil, err
	}
	entries, err := splitBundle(bundle)
	if err == nil && len(entries) != tile.W {
		err = fmt.Errorf("%d entries instead of %d", len(entries), tile.W)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.bundles[first] = entries
	return entries, nil
}

func (c *logClient) entry(leaf, size int64) ([]byte, error) {
	first := leaf - leaf%bundleWidth
	entries, err := c.entries(first, size)
	if err != nil {
		return nil, err
	}
	return entries[leaf-first], nil
}

func splitBundle(bundle []byte) ([][]byte, error) {
	var entries [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 {
			return nil, fmt.Errorf("ends within a length")
		}
		length := int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < 2+length {
			return nil, fmt.Errorf("ends within an entry")
		}
		entries = append(entries, bundle[2:2+length])
		bundle = bundle[2+length:]
	}
	return entries, nil
}
