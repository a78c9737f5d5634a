package org.apache.spark.lakehouse

import java.util.concurrent.atomic.AtomicInteger

import org.apache.spark.SparkContext
import org.apache.spark.util.kvstore.KVStore

/** What is open to Spark's own packages only. */
object Inner {
  /** Where listeners write what runs. */
  def store(context: SparkContext): KVStore = context.statusStore.store

  /** Count stages in numbers of ten digits, so that of statements that wait the oldest is served first.
   *
   * A fair pool orders stages without a running task by their names as text ("TaskSet_1003.0" before "TaskSet_998.0"):
   * who waited as the count passed 1,000 waited for as long as anybody else asked.
   */
  def numberStagesAlike(context: SparkContext): Unit = {
    val counter = context.dagScheduler.getClass.getDeclaredField("nextStageId")
    counter.setAccessible(true)
    counter.get(context.dagScheduler).asInstanceOf[AtomicInteger].set(1000000000)
  }
}
