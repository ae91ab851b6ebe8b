package org.junit.jupiter.api;

import java.lang.reflect.Array;
import java.util.Objects;
import org.junit.jupiter.api.function.Executable;

/** A stand-in for JUnit's own: what it accepts, JUnit accepts as well. */
public final class Assertions {
    private Assertions() {}

    public static void assertEquals(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", got " + actual);
    }

    public static void assertEquals(double expected, double actual, double delta) {
        boolean isSame = Double.compare(expected, actual) == 0 || Math.abs(expected - actual) <= delta;
        if (!isSame) throw new AssertionError("expected " + expected + ", got " + actual);
    }

    public static void assertArrayEquals(Object expected, Object actual) {
        int length = Array.getLength(expected);
        assertEquals(length, Array.getLength(actual));
        for (int place = 0; place < length; place++) assertEquals(Array.get(expected, place), Array.get(actual, place));
    }

    public static void assertTrue(boolean actual) {
        assertEquals(true, actual);
    }

    public static void assertFalse(boolean actual) {
        assertEquals(false, actual);
    }

    public static void assertNull(Object actual) {
        assertEquals(null, actual);
    }

    public static <T> T assertInstanceOf(Class<T> expected, Object actual) {
        assertTrue(expected.isInstance(actual));
        return expected.cast(actual);
    }

    public static <T extends Throwable> T assertThrows(Class<T> expected, Executable call) {
        try {
            call.execute();
        } catch (Throwable problem) {
            return expected.cast(problem);
        }
        throw new AssertionError("nothing was thrown");
    }
}
