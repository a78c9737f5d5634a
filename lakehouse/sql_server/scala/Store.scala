package org.apache.spark.lakehouse

import org.apache.spark.SparkContext
import org.apache.spark.util.kvstore.KVStore

/** Where Spark's listeners write what runs: open to Spark's own packages only. */
object Store {
  def of(context: SparkContext): KVStore = context.statusStore.store
}
