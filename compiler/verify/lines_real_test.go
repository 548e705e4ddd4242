package verify

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program returns the path of a real program. Without it the test is skipped by name, unless MESHGEN_REAL=require.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/bin") {
		if p := filepath.Join(dir, name); isExecutable(p) {
			return p
		}
	}
	if os.Getenv("MESHGEN_REAL") == "require" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

func isExecutable(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// refused gives text as a file to a program and returns what it says against it. vtysh returns success when a line is
// unknown after the configuration mode was left by one exit too many, so what it prints counts too.
func refused(t *testing.T, text string, program string, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, append(args, file)...).CombinedOutput()
	if err == nil && !strings.Contains(string(out), "Unknown command") {
		return ""
	}
	return fmt.Sprintf("%v: %s", err, out)
}

// Every statement of the FRR table, in its mode, is one that vtysh takes.
func TestVtyshTakesEveryStatement(t *testing.T) {
	vtysh := program(t, "vtysh")
	around := map[mode][]string{
		rootMode: nil, bgpMode: {"router bgp 4200000001"}, familyMode: {"router bgp 4200000001", " address-family ipv4 unicast"},
		routeMapMode: {"route-map S_MAP permit 10"}, bfdMode: {"bfd"}, bfdProfileMode: {"bfd", " profile S_BFD"},
	}
	var all strings.Builder
	for _, s := range frrStatements() {
		before, ok := around[s.in]
		if !ok {
			t.Fatalf("no sample of the mode of %q", s.syntax.text)
		}
		depth := len(before)
		if s.opens != rootMode {
			depth++
		}
		all.WriteString(strings.Join(append(before, s.syntax.sample()), "\n") + "\n" + strings.Repeat("exit\n", depth) + "!\n")
	}
	// One run for all: vtysh names the lines that it refuses.
	if why := refused(t, all.String(), vtysh, "-C", "-f"); why != "" {
		t.Errorf("vtysh refuses a statement of the table: %s", why)
	}
}

// The files of the sample site are taken by the programs that read them.
func TestRealProgramsTakeTheLab(t *testing.T) {
	tree := lab(t, "", "", "")
	t.Run("vtysh", func(t *testing.T) {
		vtysh := program(t, "vtysh")
		for _, path := range []string{labLeafA, labLeafC, labSpine} {
			if why := refused(t, string(tree.Lookup(path).Bytes()), vtysh, "-C", "-f"); why != "" {
				t.Errorf("%s: %s", path, why)
			}
		}
	})
	t.Run("chronyd", func(t *testing.T) {
		chronyd := program(t, "chronyd")
		if why := refused(t, string(tree.Lookup(labChrony).Bytes()), chronyd, "-p", "-f"); why != "" {
			t.Error(why)
		}
	})
}
