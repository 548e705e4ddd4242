package compiler

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ignition "github.com/coreos/ignition/v2/config/v3_3"
)

// TestRealCloudInit gives user-data to the schema of cloud-init itself.
func TestRealCloudInit(t *testing.T) {
	program := real(t, "cloud-init")
	eachMatch(t, "hosts/*/*/cloud-init.yaml", func(t *testing.T, file string) {
		if text := runs(t, program, "schema", "--config-file", file); !strings.Contains(text, "Valid cloud-config") {
			t.Errorf("cloud-init schema:\n%s", text)
		}
		text := bytes.Replace([]byte(read(t, file)), []byte("write_files:"), []byte("write_files: 3\nx:"), 1)
		wrong := filepath.Join(t.TempDir(), "user-data")
		if err := os.WriteFile(wrong, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(program, "schema", "--config-file", wrong).CombinedOutput(); err == nil {
			t.Errorf("cloud-init takes a number for files:\n%s", out)
		}
	})
}

// TestIgnition reads the configurations with Ignition's own parser and validation.
func TestIgnition(t *testing.T) {
	eachMatch(t, "hosts/*/*/ignition.json", func(t *testing.T, file string) {
		text := read(t, file)
		c, report, err := ignition.Parse([]byte(text))
		if err != nil || len(report.Entries) > 0 {
			t.Fatalf("%v\n%s", err, report.String())
		}
		if len(c.Storage.Files) == 0 {
			t.Error("Ignition reads no file")
		}
		if _, _, err := ignition.Parse([]byte(strings.Replace(text, `"path": "/`, `"path": "`, 1))); err == nil {
			t.Error("Ignition takes a relative path")
		}
	})
}

// TestRealAnsible parses the playbooks: modules, keywords and conditions, and the machines that they run on.
func TestRealAnsible(t *testing.T) {
	program := real(t, "ansible-playbook")
	eachMatch(t, "hosts/*/playbook.yaml", func(t *testing.T, file string) {
		dir := filepath.Dir(file)
		t.Setenv("ANSIBLE_LOCAL_TEMP", t.TempDir())
		t.Setenv("ANSIBLE_REMOTE_TEMP", t.TempDir())
		inventory := filepath.Join(dir, "inventory.yaml")
		runs(t, program, "-i", inventory, file, "--syntax-check")
		text := runs(t, program, "-i", inventory, file, "--list-tasks")
		for _, want := range []string{"/etc/modules-load.d/meshgen.conf", "/etc/sysctl.d/90-meshgen.conf"} {
			if !strings.Contains(text, want) {
				t.Errorf("no task writes %s:\n%s", want, text)
			}
		}
		wrong := strings.Replace(read(t, file), "ansible.builtin.copy:", "ansible.builtin.copi:", 1)
		name := filepath.Join(dir, "wrong.yaml")
		if err := os.WriteFile(name, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(program, "-i", inventory, name, "--syntax-check").CombinedOutput(); err == nil {
			t.Errorf("ansible-playbook takes a module that does not exist:\n%s", out)
		}
	})
}
