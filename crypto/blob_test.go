package crypto

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// sampleBlobs are n blobs of all sizes, each under a label of its own.
func sampleBlobs(k *Keys, n int) (labels []Label, blobs [][]byte) {
	s := k.Sealer()
	for i := range n {
		label := Label{Kind: byte(1 + i%5), Name: fmt.Sprintf("p/%016x/%x", i%7, i)}
		if i%3 > 0 {
			label.Before = []byte{2, byte(i % 3)}
		}
		labels = append(labels, label)
		blobs = append(blobs, s.Seal(nil, label, fixedBytes(byte(i), i*i%400)))
	}
	return labels, blobs
}

// refused fails unless a blob opens to nothing with the error of forgery.
func refused(t *testing.T, o *Opener, label Label, blob []byte, what string, at int) {
	plain, err := o.Open(nil, label, blob)
	if plain != nil || !errors.Is(err, ErrTampered) && !errors.Is(err, ErrEpoch) {
		t.Fatalf("%s of %s at %d: %d bytes, %v", what, label.Name, at, len(plain), err)
	}
}

// TestDamagedBlobs flips every bit of a hundred blobs, cuts them everywhere, and
// makes them longer.
func TestDamagedBlobs(t *testing.T) {
	kek, _ := rawKEK(1)
	keys := NewKeys(fixedID(1), kek)
	o := keys.Opener()
	labels, blobs := sampleBlobs(keys, 100)
	flips := 0
	for i, blob := range blobs {
		if _, err := o.Open(nil, labels[i], blob); err != nil {
			t.Fatalf("blob %d: %v", i, err)
		}
		for bit := range 8 * len(blob) {
			flipped := bytes.Clone(blob)
			flipped[bit/8] ^= 1 << (bit % 8)
			refused(t, o, labels[i], flipped, "a flipped bit", bit)
			flips++
		}
		for n := range blob {
			refused(t, o, labels[i], blob[:n], "a cut", n)
			refused(t, o, labels[i], blob[n+1:], "a missing beginning", n)
		}
		refused(t, o, labels[i], append(bytes.Clone(blob), 0), "another byte", len(blob))
	}
	t.Logf("%d flipped bits refused", flips)
}

// TestSwappedBlobs shows each of 330 blobs as each other, more than 100,000 swaps:
// of the same environment in two epochs and from two writers, and of another with the same data key.
func TestSwappedBlobs(t *testing.T) {
	kek, _ := rawKEK(1)
	first := NewKeys(fixedID(1), kek)
	second, err := first.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := *second
	elsewhere.env = fixedID(2)
	var labels []Label
	var blobs [][]byte
	for _, k := range []*Keys{first, second, &elsewhere} {
		l, b := sampleBlobs(k, 110)
		labels, blobs = append(labels, l...), append(blobs, b...)
	}
	o := second.Opener()
	swaps := 0
	for i := range blobs {
		for j := range blobs {
			if i%110 == j%110 && j < 220 { // its own label, here; an older version opens too: names are used once
				continue
			}
			refused(t, o, labels[i], blobs[j], "a swap", j)
			swaps++
		}
	}
	if swaps < 100_000 {
		t.Errorf("only %d swaps were tried", swaps)
	}
}

// TestRewrittenHeads gives blobs the epoch and session of others.
func TestRewrittenHeads(t *testing.T) {
	kek, _ := rawKEK(1)
	first := NewKeys(fixedID(1), kek)
	second, err := first.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	o := second.Opener()
	labels, old := sampleBlobs(first, 50)
	_, young := sampleBlobs(second, 50)
	for i := range old {
		for _, end := range []int{4, 4 + sessionBytes, headBytes} {
			for _, start := range []int{0, 4, 4 + sessionBytes} {
				if start >= end {
					continue
				}
				mixed := bytes.Clone(old[i])
				copy(mixed[start:end], young[i][start:end])
				refused(t, o, labels[i], mixed, "a rewritten head", start)
			}
		}
	}
}

// TestLabelsAreApart: what one part of a label says, another cannot.
func TestLabelsAreApart(t *testing.T) {
	kek, _ := rawKEK(1)
	keys := NewKeys(fixedID(1), kek)
	labels := []Label{
		{Kind: 1, Name: "r"}, {Kind: 2, Name: "r"}, {Kind: 1, Name: "r\x00"}, {Kind: 1, Name: ""},
		{Kind: 1, Before: []byte("r")}, {Kind: 1, Name: "r", Before: []byte{2, 1}}, {Kind: 1, Name: "\x02\x01r"},
		{Kind: 1, Name: "r", Before: []byte{2, 2}}, {Kind: 1, Name: "r", Before: []byte{1, 1, 2, 1}},
	}
	s, o := keys.Sealer(), keys.Opener()
	for i, label := range labels {
		blob := s.Seal(nil, label, []byte("plain"))
		for j, other := range labels {
			plain, err := o.Open(nil, other, blob)
			if opened := err == nil; opened != (i == j) {
				t.Errorf("%+v as %+v: %q, %v", label, other, plain, err)
			}
		}
	}
}

// TestSessionEnds: a session seals 2³¹ blobs and no more, and none has the nonce of another.
func TestSessionEnds(t *testing.T) {
	kek, _ := rawKEK(1)
	s := NewKeys(fixedID(1), kek).Sealer()
	session := func() string { return string(s.Seal(nil, Label{}, nil)[4 : 4+sessionBytes]) }
	first := session()
	s.sealed = maxBlobs - 2
	for range 2 {
		if session() != first {
			t.Error("the session ended before its last blob")
		}
	}
	second := session()
	if second == first {
		t.Error("the session goes on after its last blob")
	}
	if session() != second || s.sealed != 2 {
		t.Errorf("the next session begins with %d blobs", s.sealed)
	}
}

func TestNoncesDiffer(t *testing.T) {
	kek, _ := rawKEK(1)
	keys := NewKeys(fixedID(1), kek)
	seen := map[string]bool{}
	writers := []*Sealer{keys.Sealer(), keys.Sealer()}
	for i := range 20_000 {
		blob := writers[i%2].Seal(nil, Label{}, nil)
		seen[string(blob[:headBytes])] = true
	}
	if len(seen) != 20_000 {
		t.Errorf("%d heads for 20000 blobs", len(seen))
	}
	if bytes.Equal(writers[0].session[:], writers[1].session[:]) {
		t.Error("two writers share a session")
	}
}

// TestManySessions opens blobs of more writers than an opener keeps ciphers for.
func TestManySessions(t *testing.T) {
	kek, _ := rawKEK(1)
	keys := NewKeys(fixedID(1), kek)
	o := keys.Opener()
	var blobs [][]byte
	for range maxCiphers + 10 {
		blobs = append(blobs, keys.Sealer().Seal(nil, Label{Name: "l"}, []byte("plain")))
	}
	for range 2 {
		for i, blob := range blobs {
			if plain, err := o.Open(nil, Label{Name: "l"}, blob); err != nil || string(plain) != "plain" {
				t.Fatalf("blob %d: %v", i, err)
			}
		}
	}
	forged := bytes.Clone(blobs[0])
	forged[5] ^= 0xff
	for i := range maxCiphers {
		forged[4] = byte(i)
		refused(t, o, Label{Name: "l"}, forged, "a forged session", i)
	}
	if len(o.ciphers) > maxCiphers || len(o.ciphers) < 10 {
		t.Errorf("%d ciphers are kept", len(o.ciphers))
	}
}

// FuzzBlob: nothing opens but what was sealed.
func FuzzBlob(f *testing.F) {
	kek, _ := rawKEK(1)
	keys := newKeys(fixed(7), fixedID(1), kek)
	label := Label{Kind: 3, Name: "p/1/2", Before: []byte{2, 1}}
	sealed := map[string]bool{}
	s := keys.Sealer()
	for _, size := range []int{0, 1, 31, 1000} {
		blob := s.Seal(nil, label, fixedBytes(8, size))
		sealed[string(blob)] = true
		f.Add(blob)
	}
	o := keys.Opener()
	f.Fuzz(func(t *testing.T, blob []byte) {
		plain, err := o.Open(nil, label, blob)
		if sealed[string(blob)] != (err == nil) {
			t.Errorf("a blob of %d bytes opened to %d: %v", len(blob), len(plain), err)
		}
		if err != nil && len(plain) != 0 {
			t.Error("something is handed out of a blob that does not open")
		}
	})
}

func BenchmarkBlob(b *testing.B) {
	kek, _ := rawKEK(1)
	keys := NewKeys(fixedID(1), kek)
	label := Label{Kind: 3, Name: "p/00000000deadbeef/1f", Before: []byte{2, 1}}
	for _, size := range []int{400, 24 << 10} {
		plain := make([]byte, size)
		rand.NewChaCha8([32]byte{}).Read(plain)
		s, o, room := keys.Sealer(), keys.Opener(), make([]byte, 0, size+BlobBytes)
		sealed := s.Seal(nil, label, plain)
		b.Run(fmt.Sprintf("seal %d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				s.Seal(room, label, plain)
			}
		})
		b.Run(fmt.Sprintf("open %d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.Open(room, label, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
