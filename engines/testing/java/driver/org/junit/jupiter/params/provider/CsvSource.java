package org.junit.jupiter.params.provider;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** A stand-in for JUnit's own. */
@Retention(RetentionPolicy.RUNTIME)
public @interface CsvSource {
    String[] value();
}
