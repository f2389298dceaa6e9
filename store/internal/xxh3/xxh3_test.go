package xxh3

import (
	"fmt"
	"testing"
)

// text is n bytes that repeat nothing within a block.
func text(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*i>>3 + i)
	}
	return b
}

// The sums were made by another implementation: one on each side of every length at
// which the algorithm goes another way.
func TestSum64(t *testing.T) {
	for _, c := range []struct {
		n    int
		want string
	}{
		{1, "c44bdff4074eecdb"},
		{2, "d6645fc3051a9457"},
		{3, "5f4299fc161c9cbb"},
		{4, "9aba0769d88dbb10"},
		{7, "d830fdb0f5af44ae"},
		{8, "13d4e7d0d24a406d"},
		{9, "e4a47b251bf7f18a"},
		{15, "038f3e9de756a5ea"},
		{16, "24eb42ba5121f621"},
		{17, "acb14a304fdfcbcf"},
		{32, "a1dcb5828ccda23a"},
		{33, "d86bdcb3e4040ebf"},
		{64, "48c0f2f75f5f0c77"},
		{65, "789282c1146f4074"},
		{96, "1754bf7459d6c6aa"},
		{97, "b427448b2486cdc4"},
		{127, "0d4796e60f09b45c"},
		{128, "3221233bff730c79"},
		{129, "eeea5d404098282e"},
		{144, "43a9d1b2a11ef740"},
		{239, "9ef78571c4267fe7"},
		{240, "d836a9bdd0008540"},
		{241, "803293e644e29833"},
		{256, "41ef4e9e35f69850"},
		{1023, "8df662e9b4aa9b10"},
		{1024, "c3c0c9a9ddadb610"},
		{1025, "db4ae18746180095"},
		{1088, "80ff5717ce5d8977"},
		{2048, "901ad765bf29b9df"},
		{2049, "d0f5238e2b113f6d"},
		{5000, "784cc288e85f10a3"},
		{100000, "65a9e15cf086056b"},
	} {
		if got := fmt.Sprintf("%016x", Sum64(text(c.n))); got != c.want {
			t.Errorf("sum of %d bytes = %s, want %s", c.n, got, c.want)
		}
	}
}

func TestKnown(t *testing.T) {
	for in, want := range map[string]string{"": "2d06800538d394c2", "a": "e6c632b61e964e1f", "abc": "78af5f94892f3950"} {
		if got := fmt.Sprintf("%016x", Sum64([]byte(in))); got != want {
			t.Errorf("Sum64(%q) = %s, want %s", in, got, want)
		}
	}
}
