package store

import (
	"strings"
	"testing"
)

// The sums are those of redis-server 7.0 on x86-64.
func TestAddFloat(t *testing.T) {
	for _, tt := range []struct {
		a, b, want string
		err        error
	}{
		{"0.1", "0.2", "0.3", nil},
		{"10.5", "0.1", "10.6", nil},
		{"3.0e3", "200", "3200", nil},
		{"5.0e3", "2.0e2", "5200", nil},
		{"1", "-1", "0", nil},
		{"0", "-0", "0", nil},
		{"-0", "-0", "0", nil},
		{"1", "0.00000000000000001", "1.00000000000000001", nil},
		{"1", "0.000000000000000001", "1", nil},
		{"3", "1.1", "4.1", nil},
		{"1.23", "-0.45", "0.78", nil},
		{"17179869184", "1.5", "17179869185.5", nil},
		{"9223372036854775807", "1", "9223372036854775808", nil},
		{"18446744073709551615", "1", "18446744073709551616", nil},
		{"18446744073709551616", "1", "18446744073709551616", nil}, // 64 bits of mantissa
		{".5", "5.", "5.5", nil},
		{"+1", "1", "2", nil},
		{"0x10", "1", "17", nil},
		{"0x1p4", "1", "17", nil},
		{"0x.8", "1", "1.5", nil},
		{"1e-4932", "0", "0", nil},
		{"1e-4950", "0", "0", nil}, // denormal
		{"1e-4951", "0", "", ErrNotFloat},
		{"1e-18", "-2e-18", "0", nil},
		{"1e4932", "1e4932", "", ErrNotFinite},
		{"inf", "1", "", ErrNotFinite},
		{"1", "-infinity", "", ErrNotFinite},
		{"1e5000", "1", "", ErrNotFloat},
		{"nan", "1", "", ErrNotFloat},
		{"", "1", "", ErrNotFloat},
		{"1", "", "", ErrNotFloat},
		{" 1", "1", "", ErrNotFloat},
		{"1 ", "1", "", ErrNotFloat},
		{"1_0", "1", "", ErrNotFloat},
		{"1,5", "1", "", ErrNotFloat},
		{"1e", "1", "", ErrNotFloat},
		{"1e+", "1", "", ErrNotFloat},
		{"0x", "1", "", ErrNotFloat},
		{"infinit", "1", "", ErrNotFloat},
		{"0b1", "1", "", ErrNotFloat},
		{"0o7", "1", "", ErrNotFloat},
		{"1p4", "1", "", ErrNotFloat},
		{"abc", "1", "", ErrNotFloat},
		{strings.Repeat("1", maxFloatLen+1), "1", "", ErrNotFloat},
	} {
		got, err := addFloat(tt.a, tt.b)
		if got != tt.want || err != tt.err {
			t.Errorf("addFloat(%.40q, %q) = %.60q, %v, want %q, %v", tt.a, tt.b, got, err, tt.want, tt.err)
		}
	}
}

func FuzzAddFloat(f *testing.F) {
	for _, s := range []string{"0.1", "1e4000", "-1e-4940", "0x1p-3", "inf", "1e99999999", "0x1p99999999"} {
		f.Add(s, "1")
		f.Add("-1.5", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		sum, err := addFloat(a, b)
		if err != nil {
			return
		}
		if again, err := addFloat(sum, "0"); again != sum || err != nil {
			t.Errorf("addFloat(%q, %q) = %q, which adds up to %q, %v", a, b, sum, again, err)
		}
	})
}
