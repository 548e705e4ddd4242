package verify

import (
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

// refused gives text as a file to a program and returns what it prints when it refuses it.
func refused(t *testing.T, text string, program string, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, append(args, file)...).CombinedOutput()
	if err == nil {
		return ""
	}
	return err.Error() + ": " + string(out)
}

// Every statement of the FRR table, in its mode, is one that vtysh takes.
func TestVtyshTakesEveryStatement(t *testing.T) {
	vtysh := program(t, "vtysh")
	around := map[mode]string{
		rootMode: "", bgpMode: "router bgp 4200000001\n", familyMode: "router bgp 4200000001\n address-family ipv4 unicast\n",
		routeMapMode: "route-map S_MAP permit 10\n", bfdMode: "bfd\n", bfdProfileMode: "bfd\n profile S_BFD\n",
	}
	var all strings.Builder
	for _, s := range frrStatements() {
		before, ok := around[s.in]
		if !ok {
			t.Fatalf("no sample of the mode of %q", s.syntax.text)
		}
		text := before + s.syntax.sample() + "\n"
		all.WriteString(text + "end\nconfigure terminal\n")
		if s.source == "" {
			t.Errorf("%q has no source", s.syntax.text)
		}
	}
	// One run for all: vtysh stops at the first line that it refuses and names it.
	if why := refused(t, strings.ReplaceAll(all.String(), "end\nconfigure terminal\n", "exit\n!\n"), vtysh, "-C", "-f"); why != "" {
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
