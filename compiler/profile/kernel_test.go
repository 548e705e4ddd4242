package profile

import "testing"

func TestParseKernel(t *testing.T) {
	for in, want := range map[string]struct{ version, rhel string }{
		"6.1.0-28-amd64":                 {"6.1.0", ""},
		"5.15.0-130-generic":             {"5.15.0", ""},
		"4.18.0-553.el8_10":              {"4.18.0", "8.10"},
		"4.18.0-553.8.1.el8_10.x86_64":   {"4.18.0", "8.10"},
		"5.14.0-427.31.1.el9_4.x86_64":   {"5.14.0", "9.4"},
		"5.14.0-70.el9.x86_64":           {"5.14.0", "9"},
		"6.12.57-talos":                  {"6.12.57", ""},
		"6.8.0-51-generic":               {"6.8.0", ""},
		"6.12":                           {"6.12", ""},
		"6.12.0_rc1":                     {"6.12.0", ""},
		"6.1.0-relabel8_1-amd64":         {"6.1.0", ""}, // "el8_1" inside a word is no RHEL
		"4.19.112+":                      {"4.19.112", ""},
		"5.10.0-0.deb10.16-cloud-amd64":  {"5.10.0", ""},
		"6.6.36.3-microsoft-standard":    {"6.6.36", ""},
		"3.10.0-1160.118.1.el7.x86_64":   {"3.10.0", "7"},
		"5.4.17-2136.338.4.2.el8uek.x86": {"5.4.17", ""}, // Oracle's own kernel carries nothing of RHEL's
	} {
		k, err := ParseKernel(in)
		if err != nil || k.Version.String() != want.version || k.RHEL != want.rhel || k.String() != in {
			t.Errorf("ParseKernel(%q) = %s, RHEL %q, %v", in, k.Version, k.RHEL, err)
		}
	}
	for _, in := range []string{"", "linux", "6", "6.x", "v6.1", "6.1 generic", "6.1.0-28-amd64\n"} {
		if k, err := ParseKernel(in); err == nil {
			t.Errorf("ParseKernel(%q) = %v, want an error", in, k)
		}
	}
}

func TestKernelFloor(t *testing.T) {
	floor := KernelFloor{Min: "5.10", Except: []RHELKernel{{RHEL: "8.10", Kernel: "4.18"}}}
	for in, want := range map[string]bool{
		"5.10.0-1-amd64":       true,
		"6.1.0-28-amd64":       true,
		"5.9.16":               false,
		"4.18.0-553.el8_10":    true,
		"4.18.0-513.el8_9":     false,
		"4.18.0-80-generic":    false, // the same line of another vendor
		"4.19.0-553.el8_10":    false,
		"4.18.0-1.el9_0":       false, // a later major release is not covered by the exception
		"5.14.0-427.el9_4":     true,
		"4.18.0-80.el8.x86_64": false,
	} {
		k, err := ParseKernel(in)
		if err != nil {
			t.Fatal(err)
		}
		if floor.Met(k) != want {
			t.Errorf("%s: %t, want %t", in, !want, want)
		}
	}
}
