package load

import (
	"reflect"
	"testing"

	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/profiles"
)

// What adds nothing changes nothing, and our own profiles hold against the definitions that a file of others is held
// against: of every kind.
func TestProfilesEmpty(t *testing.T) {
	ours, err := profile.Read(profiles.FS)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, kind := range profile.Kinds {
		text += kind + ": {}\n"
	}
	set, found := Profiles([]ProfileFile{{"empty.cue", []byte(text)}})
	if len(found) > 0 {
		t.Fatal(found)
	}
	if !reflect.DeepEqual(set.Ours(), ours) {
		t.Error("what is below is not ours")
	}
	for _, kind := range ours.Meshes() {
		if !reflect.DeepEqual(set.Mesh(kind), ours.Mesh(kind)) {
			t.Errorf("mesh %s is another one", kind)
		}
	}
	if !reflect.DeepEqual(set.Kubernetes(), ours.Kubernetes()) || !reflect.DeepEqual(set.OSes(), ours.OSes()) {
		t.Error("the whole is not ours")
	}
}
