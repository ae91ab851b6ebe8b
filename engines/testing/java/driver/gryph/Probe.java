package gryph;

/** Which places of the code under test ran since the last look. */
public final class Probe {
    private static final int LIMIT = 65536;
    private static final boolean[] HITS = new boolean[LIMIT];

    private Probe() {}

    public static void hit(int place) {
        HITS[place] = true;
    }

    /** Notes which way a condition went: `place` for true, the next one for false. */
    public static boolean test(int place, boolean value) {
        HITS[value ? place : place + 1] = true;
        return value;
    }

    static String take() {
        StringBuilder found = new StringBuilder("[");
        for (int place = 0; place < LIMIT; place++) {
            if (HITS[place]) {
                found.append(found.length() > 1 ? "," : "").append(place);
                HITS[place] = false;
            }
        }
        return found.append("]").toString();
    }
}
