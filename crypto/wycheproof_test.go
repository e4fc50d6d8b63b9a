package crypto

import (
	"bytes"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

// known reads the known answers of a file of Wycheproof, group by group.
func known[Group any](t *testing.T, file string) []Group {
	text, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		TestGroups []Group `json:"testGroups"`
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all.TestGroups) == 0 {
		t.Fatalf("%s: %d groups, %v", file, len(all.TestGroups), err)
	}
	return all.TestGroups
}

// enough fails where next to none of a file's answers were about what is used here.
func enough(t *testing.T, tried, want int) {
	if tried < want {
		t.Errorf("%d known answers tried, want %d at least", tried, want)
	}
}

// TestAESGCM holds what blobs and keys are sealed with to the answers for keys of 256
// bits, nonces of 96 and tags of 128.
func TestAESGCM(t *testing.T) {
	type group struct {
		IVSize, KeySize, TagSize int
		Tests                    []struct {
			TcID                       int
			Key, IV, AAD, Msg, Ct, Tag octets
			Result                     string
		}
	}
	tried := 0
	for _, g := range known[group](t, "aes_gcm_test.json") {
		if g.KeySize != 8*keyBytes || g.IVSize != 8*nonceBytes || g.TagSize != 8*tagBytes {
			continue
		}
		for _, v := range g.Tests {
			tried++
			aead, sealed := gcm((*key)(v.Key)), append(bytes.Clone(v.Ct), v.Tag...)
			plain, err := aead.Open(nil, v.IV, sealed, v.AAD)
			switch {
			case v.Result == "invalid" && err == nil:
				t.Errorf("%d: opened what was forged", v.TcID)
			case v.Result == "valid" && (err != nil || !bytes.Equal(plain, v.Msg)):
				t.Errorf("%d: does not open: %v", v.TcID, err)
			case v.Result == "valid" && !bytes.Equal(aead.Seal(nil, v.IV, v.Msg, v.AAD), sealed):
				t.Errorf("%d: sealed otherwise", v.TcID)
			}
		}
	}
	enough(t, tried, 60)
}

func TestHKDF(t *testing.T) {
	type group struct {
		Tests []struct {
			TcID                 int
			IKM, Salt, Info, OKM octets
			Size                 int
			Result               string
		}
	}
	tried := 0
	for _, g := range known[group](t, "hkdf_sha256_test.json") {
		for _, v := range g.Tests {
			tried++
			okm, err := hkdf.Key(sha256.New, v.IKM, v.Salt, string(v.Info), v.Size)
			if v.Result == "invalid" && err == nil || v.Result == "valid" && !bytes.Equal(okm, v.OKM) {
				t.Errorf("%d: %x, %v; want %s %x", v.TcID, okm, err, v.Result, v.OKM)
			}
			if v.Size == keyBytes && len(v.IKM) == keyBytes {
				if k := derive((*key)(v.IKM), v.Salt, string(v.Info)); !bytes.Equal(k[:], v.OKM) {
					t.Errorf("%d: derived another key", v.TcID)
				}
			}
		}
	}
	enough(t, tried, 80)
}

func TestPBKDF2(t *testing.T) {
	type group struct {
		Tests []struct {
			TcID                  int
			Password, Salt, Dk    octets
			IterationCount, DkLen int
			Result                string
		}
	}
	tried := 0
	for _, g := range known[group](t, "pbkdf2_hmacsha256_test.json") {
		for _, v := range g.Tests {
			tried++
			dk, err := pbkdf2.Key(sha256.New, string(v.Password), v.Salt, v.IterationCount, v.DkLen)
			if v.Result != "valid" || err != nil || !bytes.Equal(dk, v.Dk) {
				t.Errorf("%d (%s): %x, %v; want %x", v.TcID, v.Result, dk, err, v.Dk)
			}
		}
	}
	enough(t, tried, 30)
}
